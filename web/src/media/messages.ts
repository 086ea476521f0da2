// What the page and the player's worker say to each other, and what both say
// to the audio worklet. Plain data only: everything here is cloned or moved.

import type { AudioAnchor, AudioChunk, AudioPosition } from "./audio-ring.ts";
import type { PlayerStats } from "./stats.ts";

/** Where to find the broadcast. */
export interface SourceConfig {
  /** https:// URL of the relay. */
  readonly relay: string;
  readonly name: string;
  /** URL whose text is the SHA-256 of the relay's certificate in hex; undefined: public authorities. */
  readonly fingerprint: string | undefined;
  /** That SHA-256, or several after commas, as told with the URL, for the first connection: it may have changed since. */
  readonly certificate?: string | undefined;
  /** Protocols to offer, such as "moqt-18", preferred first; undefined: all that the client speaks. */
  readonly protocols?: readonly string[];
  /** Wanted milliseconds from capture to display. */
  readonly targetLatency: number;
}

export type ToWorker =
  | { readonly type: "canvas"; readonly canvas: OffscreenCanvas }
  | { readonly type: "play"; readonly source: SourceConfig }
  | { readonly type: "pause" }
  | { readonly type: "target"; readonly targetLatency: number }
  /** visible: pictures are wanted. */
  | { readonly type: "visible"; readonly visible: boolean }
  /** Decoded audio goes to this port from now on; null: nowhere. */
  | { readonly type: "audio"; readonly port: MessagePort | null }
  /** The sample of contextTime (s) leaves the loudspeaker at wall-clock `at` (ms). */
  | { readonly type: "output"; readonly contextTime: number; readonly at: number }
  | { readonly type: "capture"; readonly id: number };

/** What the player is doing, in the terms of the page. */
export type PlaybackState = "idle" | "connecting" | "waiting" | "playing";

/** Why nothing plays, or that all is well. */
export type Condition =
  | { readonly kind: "ok" }
  | { readonly kind: "connecting" }
  /** The relay does not answer, or not as it should. */
  | { readonly kind: "unreachable"; readonly text: string; readonly retryInMs: number }
  /** The relay answers; the broadcast is not live. */
  | { readonly kind: "offline"; readonly text: string }
  /** The broadcast is live and cannot be played here. */
  | { readonly kind: "unsupported"; readonly text: string };

export type FromWorker =
  | { readonly type: "state"; readonly state: PlaybackState }
  | { readonly type: "condition"; readonly condition: Condition }
  | { readonly type: "tracks"; readonly video: boolean; readonly audio: boolean; readonly sampleRate: number | undefined }
  | { readonly type: "painted"; readonly timestamp: number; readonly at: number }
  | { readonly type: "resize"; readonly width: number; readonly height: number }
  | { readonly type: "stats"; readonly stats: PlayerStats }
  | { readonly type: "captured"; readonly id: number; readonly bitmap: ImageBitmap | null };

export type ToWorklet =
  | { readonly type: "chunk"; readonly chunk: AudioChunk }
  | { readonly type: "anchor"; readonly anchor: AudioAnchor; readonly resync: boolean }
  | { readonly type: "clear" };

/** The worklet reports where it is. */
export type FromWorklet = AudioPosition;
