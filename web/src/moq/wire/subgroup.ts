/** Unidirectional stream types (moqt-18 §3.4) and subgroup streams (§11.4.2). */
import type { Reader, Writer } from "./buffer.ts";
import type { Draft } from "./draft.ts";
import { violation } from "./errors.ts";
import { fromCanonical, MAX_PROPERTIES_LENGTH, toCanonical } from "./properties.ts";
import { add, subtract, type U64 } from "./u64.ts";

export const StreamType = { FETCH: 0x05, SETUP: 0x2f00, PADDING: 0x132b3e28 } as const;

/** What a unidirectional stream carries. */
export type StreamKind = "fetch" | "setup" | "padding" | "subgroup";

const PROPERTIES = 0x01;
const SUBGROUP_ID_MODE = 0x06;
const END_OF_GROUP = 0x08;
const FORM = 0x10;
const DEFAULT_PRIORITY = 0x20;
const FIRST_OBJECT = 0x40;

/** Bits 1 and 2 of the type. */
const modes = ["zero", "firstObject", "explicit"] as const;

/**
 * Where the subgroup ID comes from: "zero" and "explicit" give it in subgroup, with "firstObject" it is the ID of
 * the first object on the stream.
 */
export type SubgroupMode = (typeof modes)[number];

export interface SubgroupHeader {
  trackAlias: U64;
  group: U64;
  mode: SubgroupMode;
  subgroup: U64;
  /** Absent: the default of the track. */
  priority?: number;
  hasProperties: boolean;
  /** The last object before a FIN is the last of the group. */
  endOfGroup: boolean;
  /** The first object on the stream is the first that was ever published in the subgroup. Draft 16 does not tell. */
  firstObject: boolean;
}

export const ObjectStatus = { NORMAL: 0, END_OF_GROUP: 3, END_OF_TRACK: 4 } as const;

/** An object without its payload, which follows on the stream. */
export interface ObjectHeader {
  id: U64;
  status: number;
  /** A canonical block of key-value pairs, not checked; may alias the input. Empty if there are none. */
  properties: Uint8Array;
  payloadLength: U64;
}

/** Reads the type of a unidirectional stream, and nothing else. Throws WireError if it is unknown. */
export function readStreamType(r: Reader): { type: U64; kind: StreamKind } {
  const type = r.varint();
  if (type === StreamType.FETCH) return { type, kind: "fetch" };
  if (type === StreamType.SETUP) return { type, kind: "setup" };
  if (type === StreamType.PADDING && r.draft.padding) return { type, kind: "padding" };
  subgroupMode(type, r.draft);
  return { type, kind: "subgroup" };
}

function subgroupMode(type: U64, draft: Draft): SubgroupMode {
  const t = Number(type);
  const mode = modes[(t & SUBGROUP_ID_MODE) >> 1];
  if (type > (draft.firstObject ? 0x7f : 0x3f) || (t & FORM) === 0 || mode === undefined) throw violation(`unknown stream type 0x${type.toString(16)}`);
  return mode;
}

/** Reads a header from the stream type on. */
export function readSubgroupHeader(r: Reader): SubgroupHeader {
  const type = r.varint();
  const mode = subgroupMode(type, r.draft);
  const t = Number(type);
  const h: SubgroupHeader = {
    trackAlias: r.varint(),
    group: r.varint(),
    mode,
    subgroup: mode === "explicit" ? r.varint() : 0,
    hasProperties: (t & PROPERTIES) !== 0,
    endOfGroup: (t & END_OF_GROUP) !== 0,
    firstObject: (t & FIRST_OBJECT) !== 0,
  };
  if ((t & DEFAULT_PRIORITY) === 0) h.priority = r.uint8();
  return h;
}

export function writeSubgroupHeader(w: Writer, h: SubgroupHeader): void {
  const type =
    FORM |
    (modes.indexOf(h.mode) << 1) |
    (h.hasProperties ? PROPERTIES : 0) |
    (h.endOfGroup ? END_OF_GROUP : 0) |
    (h.priority === undefined ? DEFAULT_PRIORITY : 0) |
    (h.firstObject && w.draft.firstObject ? FIRST_OBJECT : 0);
  w.varint(type).varint(h.trackAlias).varint(h.group);
  if (h.mode === "explicit") w.varint(h.subgroup);
  if (h.priority !== undefined) w.uint8(h.priority);
}

/**
 * Reads an object up to its payload. previous is the ID of the object before it on the stream, undefined for the
 * first.
 */
export function readSubgroupObject(r: Reader, hasProperties: boolean, previous: U64 | undefined): ObjectHeader {
  const delta = r.varint();
  const { max } = r.draft.varint;
  const base = previous === undefined ? 0 : add(previous, 1, max);
  const id = base === undefined ? undefined : add(base, delta, max);
  if (id === undefined) throw violation(`object ID beyond ${max}`);
  const properties = hasProperties ? readProperties(r) : new Uint8Array();
  const payloadLength = r.varint();
  const status = payloadLength === 0 ? readStatus(r, properties) : ObjectStatus.NORMAL;
  return { id, status, properties, payloadLength };
}

export function writeSubgroupObject(w: Writer, hasProperties: boolean, previous: U64 | undefined, o: ObjectHeader): void {
  const base = previous === undefined ? 0 : add(previous, 1);
  const delta = base === undefined ? undefined : subtract(o.id, base);
  if (delta === undefined) throw new RangeError(`object ${o.id} after ${previous}`);
  if (!hasProperties && o.properties.length > 0) throw new RangeError("the stream has no properties");
  w.varint(delta);
  if (hasProperties) w.prefixed(fromCanonical(o.properties, w.draft));
  w.varint(o.payloadLength);
  if (o.payloadLength === 0) w.varint(o.status);
  else if (o.status !== ObjectStatus.NORMAL) throw new RangeError(`an object of status ${o.status} has no payload`);
}

/** Object properties after their length (moqt-18 §11.2.1.2), in canonical form, not copied if they are. */
export function readProperties(r: Reader): Uint8Array {
  return toCanonical(r.prefixed("object properties", MAX_PROPERTIES_LENGTH), r.draft);
}

/** An object status, which must be normal if there are properties (moqt-18 §11.2.1.1). */
export function readStatus(r: Reader, properties: Uint8Array): number {
  const status = r.varint();
  if (status !== ObjectStatus.NORMAL && status !== ObjectStatus.END_OF_GROUP && status !== ObjectStatus.END_OF_TRACK) {
    throw violation(`object status ${status} does not exist`);
  }
  if (status !== ObjectStatus.NORMAL && properties.length > 0) throw violation(`properties on an object of status ${status}`);
  return status;
}
