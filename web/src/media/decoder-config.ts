// Decoder configurations for WebCodecs from what catalog and objects say.

import { buildAsc, parseAsc } from "./asc.ts";
import { codecOfConfig, configFromKeyFrame, isAnnexB } from "./avc.ts";
import type { CatalogTrack } from "./catalog.ts";
import type { MediaUnit } from "./loc.ts";
import type { MediaKind } from "./selection.ts";

const DEFAULT_SAMPLE_RATE = 48000;
const DEFAULT_CHANNELS = 2;

/** The configuration for a key unit of a video track. */
export function videoConfig(track: CatalogTrack, unit: MediaUnit): VideoDecoderConfig {
  const config: VideoDecoderConfig = { codec: track.codec ?? "", optimizeForLatency: true };
  const avc = config.codec.startsWith("avc");
  const description = unit.config ?? (avc && !isAnnexB(unit.payload) ? configFromKeyFrame(unit.payload) : undefined);
  if (description === undefined || (avc && isAnnexB(unit.payload))) return config;
  return { ...config, codec: (avc ? codecOfConfig(description) : undefined) ?? config.codec, description };
}

/** The configuration for an audio track; unit undefined: before the first one. */
export function audioConfig(track: CatalogTrack, unit?: MediaUnit): AudioDecoderConfig {
  const codec = track.codec ?? "";
  const told = { sampleRate: track.samplerate ?? DEFAULT_SAMPLE_RATE, channels: track.channels ?? DEFAULT_CHANNELS };
  if (!codec.startsWith("mp4a")) return { codec, sampleRate: told.sampleRate, numberOfChannels: told.channels };
  const asc = unit?.config ?? buildAsc(told);
  const format = (asc === undefined ? undefined : parseAsc(asc)) ?? told;
  return {
    codec,
    sampleRate: format.sampleRate,
    numberOfChannels: format.channels,
    ...(asc === undefined ? {} : { description: asc }),
  };
}

/** Whether this browser decodes the track, as far as the catalog tells. */
export async function supported(kind: MediaKind, track: CatalogTrack): Promise<boolean> {
  if (kind === "audio") return (await AudioDecoder.isConfigSupported(audioConfig(track))).supported === true;
  const size = track.width === undefined || track.height === undefined ? {} : { codedWidth: track.width, codedHeight: track.height };
  return (await VideoDecoder.isConfigSupported({ codec: track.codec ?? "", ...size })).supported === true;
}

/** Whether two configurations mean the same decoder. */
export function sameConfig(a: { codec: string; description?: AllowSharedBufferSource }, b: { codec: string; description?: AllowSharedBufferSource }): boolean {
  return a.codec === b.codec && sameBytes(a.description as Uint8Array | undefined, b.description as Uint8Array | undefined);
}

function sameBytes(a: Uint8Array | undefined, b: Uint8Array | undefined): boolean {
  if (a === undefined || b === undefined) return a === b;
  return a.length === b.length && a.every((v, i) => v === b[i]);
}
