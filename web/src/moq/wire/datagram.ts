/** Object datagrams (moqt-18 §11.3.1). */
import { Reader, Writer } from "./buffer.ts";
import type { Draft } from "./draft.ts";
import { ShortInput, violation } from "./errors.ts";
import { fromCanonical } from "./properties.ts";
import { ObjectStatus, readProperties, readStatus } from "./subgroup.ts";
import type { U64 } from "./u64.ts";

export const DATAGRAM_PADDING = 0x132b3e29;

const PROPERTIES = 0x01;
const END_OF_GROUP = 0x02;
const ZERO_OBJECT_ID = 0x04;
const DEFAULT_PRIORITY = 0x08;
const STATUS = 0x20;

export interface Datagram {
  trackAlias: U64;
  group: U64;
  id: U64;
  /** Absent: the default of the track. */
  priority?: number;
  /** This is the last object of its group. */
  endOfGroup: boolean;
  status: number;
  /** A canonical block of key-value pairs, not checked. Empty if there are none. */
  properties: Uint8Array;
  payload: Uint8Array;
}

/** Reads a datagram; "padding" for one that carries nothing. The result may alias b. Throws WireError. */
export function parseDatagram(b: Uint8Array, draft: Draft): Datagram | "padding" {
  const r = new Reader(b, draft);
  try {
    return readDatagram(r);
  } catch (e) {
    throw e instanceof ShortInput ? violation("datagram ends inside a field") : e;
  }
}

function readDatagram(r: Reader): Datagram | "padding" {
  const type = r.varint();
  if (type === DATAGRAM_PADDING && r.draft.padding) return "padding";
  const t = Number(type);
  if (type > 0x2f || (t & 0x10) !== 0 || ((t & STATUS) !== 0 && (t & END_OF_GROUP) !== 0)) {
    throw violation(`unknown datagram type 0x${type.toString(16)}`);
  }
  const d: Datagram = {
    trackAlias: r.varint(),
    group: r.varint(),
    id: (t & ZERO_OBJECT_ID) === 0 ? r.varint() : 0,
    endOfGroup: (t & END_OF_GROUP) !== 0,
    status: ObjectStatus.NORMAL,
    properties: new Uint8Array(),
    payload: new Uint8Array(),
  };
  if ((t & DEFAULT_PRIORITY) === 0) d.priority = r.uint8();
  if ((t & PROPERTIES) !== 0) {
    d.properties = readProperties(r);
    if (d.properties.length === 0) throw violation("datagram with an empty block of properties");
  }
  if ((t & STATUS) === 0) {
    d.payload = r.rest();
  } else {
    d.status = readStatus(r, d.properties);
    if (r.remaining > 0) throw violation(`${r.remaining} bytes after an object status`);
  }
  return d;
}

/** Writes the status in place of a payload if it is not normal. */
export function encodeDatagram(d: Datagram, draft: Draft): Uint8Array {
  const hasStatus = d.status !== ObjectStatus.NORMAL;
  if (hasStatus && (d.payload.length > 0 || d.endOfGroup || d.properties.length > 0)) {
    throw new RangeError(`an object of status ${d.status} has no payload, no properties and no end of group`);
  }
  const properties = fromCanonical(d.properties, draft);
  const type =
    (properties.length > 0 ? PROPERTIES : 0) |
    (d.endOfGroup ? END_OF_GROUP : 0) |
    (d.id === 0 ? ZERO_OBJECT_ID : 0) |
    (d.priority === undefined ? DEFAULT_PRIORITY : 0) |
    (hasStatus ? STATUS : 0);
  const w = new Writer(draft).varint(type).varint(d.trackAlias).varint(d.group);
  if (d.id !== 0) w.varint(d.id);
  if (d.priority !== undefined) w.uint8(d.priority);
  if (properties.length > 0) w.prefixed(properties);
  if (hasStatus) w.varint(d.status);
  else w.raw(d.payload);
  return w.bytes();
}
