// LOC objects (draft-ietf-moq-loc of 2026-07-20): properties and payload of a
// MOQT object become one access unit with a time, ready for WebCodecs.

import type { MoqObject, Property } from "../moq/index.ts";

/** Property types of LOC objects (loc §MOQ Properties Registry). */
export const LOC = {
  /** Where readers of older drafts look for the timestamp. */
  OLD_TIMESTAMP: 0x06,
  TIMESCALE: 0x08,
  FRAME_MARKING: 0x09,
  VIDEO_CONFIG: 0x0d,
  AUDIO_CONFIG: 0x0f,
  TIMESTAMP: 0x10,
} as const;

/** One access unit. The payload is not copied: it belongs to the unit now. */
export interface MediaUnit {
  readonly group: number;
  readonly object: number;
  /** Microseconds; since the Unix epoch unless `wallClock` is false. */
  readonly timestamp: number;
  /** False when a timescale says the timestamps are media time (loc §Timescale). */
  readonly wallClock: boolean;
  /** Can be decoded without earlier units. */
  readonly key: boolean;
  /** Decoder configuration that came with the unit (avcC, AudioSpecificConfig). */
  readonly config: Uint8Array | undefined;
  readonly payload: Uint8Array;
  /** performance.now() of the last byte, milliseconds. */
  readonly arrivedAt: number;
}

export interface LocTrack {
  readonly kind: "video" | "audio";
  /** Units per second; overridden by a property on an object. */
  readonly timescale: number | undefined;
}

/**
 * Reads one object of a LOC track. Returns undefined for objects that carry
 * no media: an end-of-group status, an empty payload, or no usable timestamp.
 */
export function readUnit(o: MoqObject, track: LocTrack): MediaUnit | undefined {
  if (o.status !== 0 || o.payload.length === 0) return undefined;
  const raw = integer(o.properties, LOC.TIMESTAMP) ?? integer(o.properties, LOC.OLD_TIMESTAMP);
  if (raw === undefined) return undefined;
  const timescale = integer(o.properties, LOC.TIMESCALE) ?? track.timescale;
  const scaled = timescale !== undefined && timescale > 0;
  const timestamp = scaled ? Math.round((raw / timescale) * 1e6) : raw;
  if (!Number.isSafeInteger(timestamp)) return undefined;
  return {
    group: o.group,
    object: o.object,
    timestamp,
    wallClock: !scaled,
    key: track.kind === "audio" || o.object === 0 || independentFrame(o.properties),
    config: bytes(o.properties, track.kind === "video" ? LOC.VIDEO_CONFIG : LOC.AUDIO_CONFIG),
    payload: o.payload,
    arrivedAt: o.arrivedAt,
  };
}

/** The I bit of the frame marking (RFC 9626 §3.1), after the S and E bits. */
function independentFrame(properties: readonly Property[]): boolean {
  const marking = bytes(properties, LOC.FRAME_MARKING);
  return marking !== undefined && marking.length > 0 && ((marking[0] ?? 0) & 0x20) !== 0;
}

/** The first even-typed property of `type` as a safe integer. */
export function integer(properties: readonly Property[], type: number): number | undefined {
  const value = properties.find((p) => p.type === type)?.value;
  if (typeof value === "number") return value;
  if (typeof value !== "bigint") return undefined;
  const n = Number(value);
  return Number.isSafeInteger(n) ? n : undefined;
}

/** The first odd-typed property of `type`, when it is not empty. */
export function bytes(properties: readonly Property[], type: number): Uint8Array | undefined {
  const value = properties.find((p) => p.type === type)?.value;
  return value instanceof Uint8Array && value.length > 0 ? value : undefined;
}
