/** Streams that answer a FETCH (moqt-18 §11.4.4). */
import { Reader, Writer } from "./buffer.ts";
import { violation } from "./errors.ts";
import { readProperties, StreamType } from "./subgroup.ts";
import { add, subtract, type U64 } from "./u64.ts";

const SUBGROUP_MODE = 0x03;
const OBJECT_ID_DELTA = 0x04;
const GROUP_ID_DELTA = 0x08;
const PRIORITY = 0x10;
const PROPERTIES = 0x20;
const DATAGRAM = 0x40;
const END_NON_EXISTENT = 0x8c;
const END_UNKNOWN = 0x10c;

/** An object without its payload, which follows on the stream. */
export interface FetchedObject {
  kind: "object";
  group: U64;
  /** 0 if datagram. */
  subgroup: U64;
  id: U64;
  /** The object was published as a datagram and has no subgroup. */
  datagram: boolean;
  priority: number;
  /** Whether the field is there: an empty block may be. */
  hasProperties: boolean;
  /** A block of key-value pairs, not checked; aliases the input. */
  properties: Uint8Array;
  payloadLength: U64;
}

/**
 * Everything after the item before and up to this location, inclusive, does not exist or is unknown. The location
 * is absolute: moqt-18 §11.4.4.2 names the fields Group ID and Object ID, without the word delta, and a group
 * delta could not name the group of the item before.
 */
export interface EndOfRange {
  kind: "endNonExistent" | "endUnknown";
  group: U64;
  id: U64;
}

export type FetchItem = FetchedObject | EndOfRange;

/** What an item may refer back to. Starts empty; nextCursor gives the one after an item. */
export interface FetchCursor {
  descending: boolean;
  group?: U64;
  id?: U64;
  /** Of the last object that had one, which an end of range does not change. */
  subgroup?: U64;
  /** Of the last object. */
  priority?: number;
}

export function nextCursor(c: FetchCursor, item: FetchItem): FetchCursor {
  const next: FetchCursor = { ...c, group: item.group, id: item.id };
  if (item.kind !== "object") return next;
  next.priority = item.priority;
  if (!item.datagram) next.subgroup = item.subgroup;
  return next;
}

/** Reads a header from the stream type on and returns the Request ID. */
export function readFetchHeader(r: Reader): U64 {
  const type = r.varint();
  if (type !== StreamType.FETCH) throw violation(`stream type 0x${type.toString(16)} is not FETCH_HEADER`);
  return r.varint();
}

export function writeFetchHeader(w: Writer, requestId: U64): void {
  w.varint(StreamType.FETCH).varint(requestId);
}

/** Reads an item up to the payload. */
export function readFetchItem(r: Reader, c: FetchCursor): FetchItem {
  const raw = r.varint();
  if (raw === END_NON_EXISTENT || raw === END_UNKNOWN) {
    return { kind: raw === END_UNKNOWN ? "endUnknown" : "endNonExistent", group: r.varint(), id: r.varint() };
  }
  if (raw > 0x7f) throw violation(`serialization flags 0x${raw.toString(16)} do not exist`);
  const flags = Number(raw);
  const groupDelta = (flags & GROUP_ID_DELTA) !== 0 ? r.varint() : undefined;
  const datagram = (flags & DATAGRAM) !== 0;
  const subgroup = datagram ? 0 : readSubgroup(r, flags & SUBGROUP_MODE, c);
  const objectDelta = (flags & OBJECT_ID_DELTA) !== 0 ? r.varint() : undefined;
  const { group, id } = position(groupDelta, objectDelta, c);
  const priority = (flags & PRIORITY) !== 0 ? r.uint8() : c.priority;
  if (priority === undefined) throw violation("the first object refers to the priority of one before it");
  const hasProperties = (flags & PROPERTIES) !== 0;
  const properties = hasProperties ? readProperties(r) : new Uint8Array();
  const payloadLength = r.varint();
  return { kind: "object", group, subgroup, id, datagram, priority, hasProperties, properties, payloadLength };
}

function readSubgroup(r: Reader, mode: number, c: FetchCursor): U64 {
  if (mode === 0) return 0;
  if (mode === 3) return r.varint();
  if (c.subgroup === undefined) throw violation("an object refers to a subgroup and there was none before it");
  const subgroup = mode === 1 ? c.subgroup : add(c.subgroup, 1);
  if (subgroup === undefined) throw violation("subgroup ID beyond 2^64-1");
  return subgroup;
}

/** Applies the deltas of moqt-18 §11.4.4.1. */
function position(groupDelta: U64 | undefined, objectDelta: U64 | undefined, c: FetchCursor): { group: U64; id: U64 } {
  if (c.group === undefined || c.id === undefined) {
    if (groupDelta === undefined || objectDelta === undefined) throw violation("the first item refers to one before it");
    return { group: groupDelta, id: objectDelta };
  }
  let group: U64 | undefined = c.group;
  if (groupDelta !== undefined) {
    const step = add(groupDelta, 1);
    if (step === undefined) group = undefined;
    else group = c.descending ? subtract(c.group, step) : add(c.group, step);
  }
  if (group === undefined) throw violation("group ID outside 0 to 2^64-1");
  let id: U64 | undefined;
  if (objectDelta === undefined) id = add(c.id, 1);
  else id = groupDelta !== undefined ? objectDelta : add(c.id, objectDelta);
  if (id === undefined) throw violation("object ID beyond 2^64-1");
  return { group, id };
}

/** Writes an item up to the payload, with the shortest flags. */
export function writeFetchItem(w: Writer, c: FetchCursor, item: FetchItem): void {
  if (item.kind !== "object") {
    w.varint(item.kind === "endUnknown" ? END_UNKNOWN : END_NON_EXISTENT).varint(item.group).varint(item.id);
    return;
  }
  let groupDelta: U64 | undefined;
  if (c.group === undefined) {
    groupDelta = item.group;
  } else if (item.group !== c.group) {
    const distance = c.descending ? subtract(c.group, item.group) : subtract(item.group, c.group);
    groupDelta = distance === undefined ? undefined : subtract(distance, 1);
    if (groupDelta === undefined) throw new RangeError(`group ${item.group} after ${c.group}`);
  }
  let objectDelta: U64 | undefined;
  if (c.id === undefined || item.id !== add(c.id, 1)) {
    objectDelta = c.id === undefined || groupDelta !== undefined ? item.id : subtract(item.id, c.id);
    if (objectDelta === undefined) throw new RangeError(`object ${item.id} after ${c.id}`);
  }
  const mode = item.datagram ? 0 : subgroupMode(item.subgroup, c.subgroup);
  w.varint(
    mode |
      (objectDelta !== undefined ? OBJECT_ID_DELTA : 0) |
      (groupDelta !== undefined ? GROUP_ID_DELTA : 0) |
      (item.priority !== c.priority ? PRIORITY : 0) |
      (item.hasProperties ? PROPERTIES : 0) |
      (item.datagram ? DATAGRAM : 0),
  );
  if (groupDelta !== undefined) w.varint(groupDelta);
  if (mode === 3) w.varint(item.subgroup);
  if (objectDelta !== undefined) w.varint(objectDelta);
  if (item.priority !== c.priority) w.uint8(item.priority);
  if (item.hasProperties) w.prefixed(item.properties);
  w.varint(item.payloadLength);
}

function subgroupMode(subgroup: U64, previous: U64 | undefined): number {
  if (subgroup === 0) return 0;
  if (previous === undefined) return 3;
  if (subgroup === previous) return 1;
  return subgroup === add(previous, 1) ? 2 : 3;
}
