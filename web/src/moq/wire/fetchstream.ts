/** Streams that answer a FETCH (moqt-18 §11.4.4). */
import type { Reader, Writer } from "./buffer.ts";
import type { Draft } from "./draft.ts";
import { violation } from "./errors.ts";
import { fromCanonical } from "./properties.ts";
import { readProperties, StreamType } from "./subgroup.ts";
import { add, subtract, type U64 } from "./u64.ts";

const SUBGROUP_MODE = 0x03;
const OBJECT_ID = 0x04;
const GROUP_ID = 0x08;
const PRIORITY = 0x10;
const PROPERTIES = 0x20;
const DATAGRAM = 0x40;
const END_NON_EXISTENT = 0x8c;
const END_UNKNOWN = 0x10c;
const END_TIMED_OUT = 0x20c;

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
  /** A canonical block of key-value pairs, not checked; may alias the input. */
  properties: Uint8Array;
  payloadLength: U64;
}

/**
 * Everything after the item before and up to this location, inclusive, does not exist, is unknown, or could not be had
 * in time (draft 20). The location is absolute: moqt-18 §11.4.4.2 names the fields Group ID and Object ID, without the word delta, and a group
 * delta could not name the group of the item before.
 */
export interface EndOfRange {
  kind: "endNonExistent" | "endUnknown" | "endTimedOut";
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
  const kind = raw === END_NON_EXISTENT ? "endNonExistent" : raw === END_UNKNOWN ? "endUnknown" : undefined;
  if (kind !== undefined) return { kind, group: r.varint(), id: r.varint() };
  if (raw === END_TIMED_OUT && r.draft.timedOutRange) return { kind: "endTimedOut", group: r.varint(), id: r.varint() };
  if (raw > 0x7f) throw violation(`serialization flags 0x${raw.toString(16)} do not exist`);
  const flags = Number(raw);
  const groupField = (flags & GROUP_ID) !== 0 ? r.varint() : undefined;
  const datagram = (flags & DATAGRAM) !== 0;
  const subgroup = datagram ? 0 : readSubgroup(r, flags & SUBGROUP_MODE, c);
  const objectField = (flags & OBJECT_ID) !== 0 ? r.varint() : undefined;
  const { group, id } = r.draft.fetchDeltas ? deltaPosition(groupField, objectField, c) : position(groupField, objectField, c, r.draft.varint.max);
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
  const { max } = r.draft.varint;
  const subgroup = mode === 1 ? c.subgroup : add(c.subgroup, 1, max);
  if (subgroup === undefined) throw violation(`subgroup ID beyond ${max}`);
  return subgroup;
}

/** The fields of moqt-16 §10.4.4.1, which are the IDs themselves. */
function position(groupField: U64 | undefined, objectField: U64 | undefined, c: FetchCursor, max: bigint): { group: U64; id: U64 } {
  const group = groupField ?? c.group;
  if (group === undefined || (objectField ?? c.id) === undefined) throw violation("the first item refers to one before it");
  const id = objectField ?? add(c.id as U64, 1, max);
  if (id === undefined) throw violation(`object ID beyond ${max}`);
  return { group, id };
}

/** Applies the deltas of moqt-18 §11.4.4.1. */
function deltaPosition(groupDelta: U64 | undefined, objectDelta: U64 | undefined, c: FetchCursor): { group: U64; id: U64 } {
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
    w.varint(marker(item.kind, w.draft)).varint(item.group).varint(item.id);
    return;
  }
  const groupField = c.group === item.group ? undefined : w.draft.fetchDeltas ? groupDelta(c, item.group) : item.group;
  let objectField: U64 | undefined;
  if (c.id === undefined || item.id !== add(c.id, 1)) {
    const absolute = c.id === undefined || groupField !== undefined || !w.draft.fetchDeltas;
    objectField = absolute ? item.id : subtract(item.id, c.id as U64);
    if (objectField === undefined) throw new RangeError(`object ${item.id} after ${c.id}`);
  }
  const mode = item.datagram ? 0 : subgroupMode(item.subgroup, c.subgroup);
  const priority = item.priority !== c.priority;
  w.varint(
    mode |
      (objectField !== undefined ? OBJECT_ID : 0) |
      (groupField !== undefined ? GROUP_ID : 0) |
      (priority ? PRIORITY : 0) |
      (item.hasProperties ? PROPERTIES : 0) |
      (item.datagram ? DATAGRAM : 0),
  );
  if (groupField !== undefined) w.varint(groupField);
  if (mode === 3) w.varint(item.subgroup);
  if (objectField !== undefined) w.varint(objectField);
  if (priority) w.uint8(item.priority);
  if (item.hasProperties) w.prefixed(fromCanonical(item.properties, w.draft));
  w.varint(item.payloadLength);
}

/** The flags of an end of range. Before draft 20 what could not be had in time is unknown. */
function marker(kind: EndOfRange["kind"], draft: Draft): number {
  if (kind === "endNonExistent") return END_NON_EXISTENT;
  return kind === "endTimedOut" && draft.timedOutRange ? END_TIMED_OUT : END_UNKNOWN;
}

function groupDelta(c: FetchCursor, group: U64): U64 {
  if (c.group === undefined) return group;
  const distance = c.descending ? subtract(c.group, group) : subtract(group, c.group);
  const delta = distance === undefined ? undefined : subtract(distance, 1);
  if (delta === undefined) throw new RangeError(`group ${group} after ${c.group}`);
  return delta;
}

function subgroupMode(subgroup: U64, previous: U64 | undefined): number {
  if (subgroup === 0) return 0;
  if (previous === undefined) return 3;
  if (subgroup === previous) return 1;
  return subgroup === add(previous, 1) ? 2 : 3;
}
