/** The interface between the MOQT client and the code that uses it. No protocol and no DOM in here. */
import type { MoqError } from "./errors.ts";

/** Names a track. Namespace fields and the name are sent as UTF-8 (moqt-18 §2.4.1). */
export interface TrackName {
  namespace: string[];
  name: string;
}

/** A place in a track (moqt-18 §1.4.2). */
export interface Location {
  group: number;
  object: number;
}

/**
 * A property of a track or an object (moqt-18 §2.5). Even types carry a number (a bigint above
 * Number.MAX_SAFE_INTEGER), odd types carry bytes. Properties inside Immutable Properties (§12.7) are listed
 * after the mutable ones; the container itself is not. Types above Number.MAX_SAFE_INTEGER are left out.
 */
export interface Property {
  type: number;
  value: number | bigint | Uint8Array;
}

/** A complete object. The receiver owns the payload: its buffer holds nothing else and may be transferred. */
export interface MoqObject {
  group: number;
  /** 0 for objects that came in datagrams, which have no subgroup. */
  subgroup: number;
  object: number;
  /** Publisher priority, 0 to 255, lower is more urgent. */
  priority: number;
  /** ObjectStatus: 0 normal, 3 end of group, 4 end of track; the last two have no payload. */
  status: number;
  properties: Property[];
  payload: Uint8Array;
  /** performance.now() when the last byte arrived, in milliseconds. */
  arrivedAt: number;
}

/**
 * Receives a track. The methods may be called before the promise of subscribe resolves, and never after onDone or
 * after Subscription.close.
 */
export interface TrackHandler {
  /**
   * Objects of one group arrive in ascending order and once each, whether fetched or live. Groups may overlap:
   * the last objects of a group can follow the first ones of the next. Objects sent in datagrams come as they arrive.
   */
  onObject(o: MoqObject): void;
  /**
   * Once for each group seen, when no more of it is expected: its end was marked, or a newer group began and no
   * stream of it is open. complete is false when something was lost: a stream was reset, or the joining fetch failed.
   */
  onGroupEnd?(group: number, complete: boolean): void;
  /** The track is over: code is a PublishDoneCode; after a failure without one, INTERNAL_ERROR with the reason in words. */
  onDone(code: number, reason: string): void;
  /** The publisher wants this track to be subscribed again, at uri ("": the same) within timeoutMs (0: soon). */
  onGoaway?(uri: string, timeoutMs: number): void;
}

export interface SubscribeOptions {
  /** Where to begin: "largest" (default) with the next object, "nextGroup" with the next group. */
  filter?: "largest" | "nextGroup";
  /**
   * Also fetch from this many groups before the current one: 0 is the current group from its start. Implies
   * "largest". A track without any object yet is joined at its first one.
   */
  joinGroups?: number;
  /** Subscriber priority, 0 to 255, lower is more urgent; default 128. */
  priority?: number;
  /** That of what joinGroups asks for, where a request of its own does; default priority. */
  joinPriority?: number;
}

/** An established subscription. */
export interface Subscription {
  /** The largest object of the track when the subscription began; undefined if there was none. */
  readonly largest: Location | undefined;
  /** Properties of the track. */
  readonly properties: Property[];
  /** Resolves when the publisher has accepted the change. */
  update(p: { priority?: number; forward?: boolean }): Promise<void>;
  /** Ends the subscription. The handler is not called any more. */
  close(): void;
}

export interface NamespaceHandler {
  /** A namespace under the prefix is being published. Whole namespace, not the part after the prefix. */
  add(namespace: string[]): void;
  /** It no longer is. */
  remove(namespace: string[]): void;
  /** The watch failed or ended; remove was called for every namespace still known. Nothing follows. */
  error(e: MoqError): void;
}

export interface SessionStats {
  /** Payload bytes of streams and datagrams since the session began, MOQT framing included. */
  bytesReceived: number;
  /** Round-trip time: of the transport where the browser tells it, else of a small request. Undefined until measured. */
  rttMs?: number;
}

export interface SessionOptions {
  /** https:// URL of the relay; moqt:// is accepted and means the same. */
  url: string;
  /** SHA-256 of the DER certificate, 32 bytes each: trusted instead of the public authorities. */
  fingerprints?: Uint8Array[];
  /** Protocols to offer, preferred first; default all that the client speaks. */
  versions?: string[];
  /** For the transport and the exchange of SETUP together; default 10,000. */
  connectTimeoutMs?: number;
  /** Called once when an established session ends, for whatever reason but close(). */
  onClosed(e: MoqError): void;
  /** The relay wants the client to reconnect, to uri ("": the same) within timeoutMs (0: soon). New requests fail from now on. */
  onGoaway?(uri: string, timeoutMs: number): void;
}

/** Standalone fetch end: inclusive; without object the whole group. */
export interface FetchEnd {
  group: number;
  object?: number;
}
