/** Message Parameters (moqt-18 §10.2): typed values, counted, ascending by type; unknown or misplaced ones are faults. */
import { Reader, Writer } from "./buffer.ts";
import { ShortInput, violation } from "./errors.ts";
import { MessageType, messageName } from "./types.ts";
import { type Namespace, readNamespace, writeNamespace } from "./names.ts";
import { encodeToken, parseToken, type Token } from "./token.ts";
import { add, subtract, type U64 } from "./u64.ts";

/** A place in a track (moqt-18 §1.4.2). */
export interface WireLocation {
  group: U64;
  object: U64;
}

export const FilterType = { NEXT_GROUP: 1, LARGEST_OBJECT: 2, ABSOLUTE_START: 3, ABSOLUTE_RANGE: 4 } as const;

/** Which objects a subscription passes (moqt-18 §5.1.2). endGroup is absolute; the wire has a delta. */
export type Filter = { type: 1 | 2 } | { type: 3; start: WireLocation } | { type: 4; start: WireLocation; endGroup: U64 };

/** 1 ascending, 2 descending. */
export type GroupOrder = 1 | 2;

/** Durations are in milliseconds. */
export interface Parameters {
  objectDeliveryTimeout?: U64;
  authTokens?: Token[];
  rendezvousTimeout?: U64;
  subgroupDeliveryTimeout?: U64;
  expires?: U64;
  largestObject?: WireLocation;
  fillTimeout?: U64;
  forward?: boolean;
  subscriberPriority?: number;
  filter?: Filter;
  groupOrder?: GroupOrder;
  newGroupRequest?: U64;
  trackNamespacePrefix?: Namespace;
}

/** How a value is written, and in which messages it may be. */
interface Spec<K extends keyof Parameters = keyof Parameters> {
  type: number;
  field: K;
  read(r: Reader): NonNullable<Parameters[K]>;
  write(w: Writer, v: NonNullable<Parameters[K]>): void;
  places: readonly Place[];
}

/** A message, with REQUEST_OK and REQUEST_UPDATE told apart by what they answer or update. */
type Place = number | `ok:${number}` | `update:${number}`;

const { SUBSCRIBE, SUBSCRIBE_OK, PUBLISH, FETCH, TRACK_STATUS, SUBSCRIBE_NAMESPACE, SUBSCRIBE_TRACKS, PUBLISH_NAMESPACE, REQUEST_OK, REQUEST_UPDATE } = MessageType;

function ok(...requests: number[]): Place[] {
  return requests.map((t): Place => `ok:${t}`);
}

function update(...requests: number[]): Place[] {
  return requests.map((t): Place => `update:${t}`);
}

/** Both ways to begin a subscription: REQUEST_UPDATE may change either. */
const subscriptions = [SUBSCRIBE, PUBLISH];
/** Where moqt-18 §10.2 allows a REQUEST_UPDATE without saying of what. */
const updatable = [...subscriptions, FETCH, SUBSCRIBE_NAMESPACE, SUBSCRIBE_TRACKS, PUBLISH_NAMESPACE];

function integer<K extends keyof Parameters>(type: number, field: K, places: Place[]): Spec {
  return spec(type, field, (r) => r.varint() as NonNullable<Parameters[K]>, (w, v) => w.varint(v as U64), places);
}

function spec<K extends keyof Parameters>(type: number, field: K, read: Spec<K>["read"], write: Spec<K>["write"], places: Place[]): Spec {
  return { type, field, read, write, places } as unknown as Spec;
}

// moqt-18 §15.7, in ascending order of type.
const specs: readonly Spec[] = [
  integer(0x02, "objectDeliveryTimeout", [SUBSCRIBE, ...ok(PUBLISH), ...update(...updatable)]),
  spec(0x03, "authTokens", (r) => [parseToken(r.take(r.varint()))], (w, v) => w.prefixed(encodeToken(v[0] as Token)), [
    PUBLISH, SUBSCRIBE, SUBSCRIBE_NAMESPACE, SUBSCRIBE_TRACKS, PUBLISH_NAMESPACE, TRACK_STATUS, FETCH,
    ...update(...updatable),
  ]),
  integer(0x04, "rendezvousTimeout", [SUBSCRIBE]),
  integer(0x06, "subgroupDeliveryTimeout", [SUBSCRIBE, ...ok(PUBLISH), ...update(...updatable)]),
  integer(0x08, "expires", [SUBSCRIBE_OK, PUBLISH, ...ok(PUBLISH, REQUEST_UPDATE, TRACK_STATUS)]),
  spec(0x09, "largestObject", readLocation, writeLocation, [SUBSCRIBE_OK, PUBLISH, ...ok(REQUEST_UPDATE, TRACK_STATUS)]),
  integer(0x0a, "fillTimeout", [FETCH]),
  spec(0x10, "forward", readForward, (w, v) => w.uint8(v ? 1 : 0), [SUBSCRIBE, PUBLISH, SUBSCRIBE_TRACKS, ...ok(PUBLISH), ...update(...subscriptions)]),
  spec(0x20, "subscriberPriority", (r) => r.uint8(), (w, v) => w.uint8(v), [SUBSCRIBE, FETCH, ...ok(PUBLISH), ...update(...subscriptions, FETCH)]),
  spec(0x21, "filter", readFilter, writeFilter, [SUBSCRIBE, ...ok(PUBLISH), ...update(...subscriptions)]),
  spec(0x22, "groupOrder", readGroupOrder, (w, v) => w.uint8(v), [SUBSCRIBE, FETCH, ...ok(PUBLISH)]),
  integer(0x32, "newGroupRequest", [SUBSCRIBE, ...ok(PUBLISH), ...update(...subscriptions)]),
  spec(0x34, "trackNamespacePrefix", readNamespace, writeNamespace, [...update(SUBSCRIBE_NAMESPACE, SUBSCRIBE_TRACKS)]),
];

/** True if the parameter may be in some message of that type, whatever it answers or updates. */
function allowedIn(s: Spec, message: number): boolean {
  if (message === REQUEST_OK) return s.places.some((p) => typeof p === "string" && p.startsWith("ok:"));
  if (message === REQUEST_UPDATE) return s.places.some((p) => typeof p === "string" && p.startsWith("update:"));
  return s.places.includes(message);
}

export function readParameters(r: Reader, message: number): Parameters {
  const p: Parameters = {};
  const count = r.varint();
  let previous: U64 = 0;
  for (let i = 0; i < count; i++) {
    const type = add(previous, r.varint());
    if (type === undefined) throw violation("parameter type beyond 2^64-1");
    const s = specs.find((s) => s.type === type);
    if (s === undefined) throw violation(`unknown parameter 0x${type.toString(16)}`);
    if (!allowedIn(s, message)) throw violation(`parameter ${s.field} in ${messageName(message)}`);
    if (s.field === "authTokens") (p.authTokens ??= []).push(...(s.read(r) as Token[]));
    else if (p[s.field] !== undefined) throw violation(`parameter ${s.field} is repeated`);
    else Object.assign(p, { [s.field]: s.read(r) });
    previous = type;
  }
  return p;
}

export function writeParameters(w: Writer, message: number, p: Parameters): void {
  const values: { spec: Spec; value: NonNullable<Parameters[keyof Parameters]> }[] = [];
  for (const s of specs) {
    const value = p[s.field];
    if (value === undefined) continue;
    if (!allowedIn(s, message)) throw new RangeError(`parameter ${s.field} in ${messageName(message)}`);
    if (s.field === "authTokens") for (const token of p.authTokens ?? []) values.push({ spec: s, value: [token] });
    else values.push({ spec: s, value });
  }
  w.varint(values.length);
  let previous: U64 = 0;
  for (const { spec: s, value } of values) {
    w.varint(subtract(s.type, previous) as U64);
    s.write(w, value as never);
    previous = s.type;
  }
}

/** Throws WireError if a parameter has no place in the REQUEST_OK that answers this type of request (moqt-18 §10.2.1). */
export function checkRequestOkParameters(p: Parameters, request: number): void {
  for (const s of specs) {
    if (p[s.field] !== undefined && !s.places.includes(`ok:${request}`)) {
      throw violation(`parameter ${s.field} in the REQUEST_OK for ${messageName(request)}`);
    }
  }
}

/** Throws WireError if a parameter has no place in a REQUEST_UPDATE of this type of request. */
export function checkRequestUpdateParameters(p: Parameters, request: number): void {
  for (const s of specs) {
    if (p[s.field] !== undefined && !s.places.includes(`update:${request}`)) {
      throw violation(`parameter ${s.field} in the REQUEST_UPDATE for ${messageName(request)}`);
    }
  }
}

export function readLocation(r: Reader): WireLocation {
  return { group: r.varint(), object: r.varint() };
}

export function writeLocation(w: Writer, l: WireLocation): void {
  w.varint(l.group).varint(l.object);
}

function readForward(r: Reader): boolean {
  const v = r.uint8();
  if (v > 1) throw violation(`forward ${v} is neither 0 nor 1`);
  return v === 1;
}

function readGroupOrder(r: Reader): GroupOrder {
  const v = r.uint8();
  if (v !== 1 && v !== 2) throw violation(`group order ${v} is neither ascending nor descending`);
  return v;
}

function readFilter(outer: Reader): Filter {
  const r = new Reader(outer.take(outer.varint()));
  try {
    const filter = readFilterFields(r);
    if (r.remaining > 0) throw violation(`${r.remaining} bytes after a subscription filter`);
    return filter;
  } catch (e) {
    throw e instanceof ShortInput ? violation("subscription filter ends inside a field") : e;
  }
}

function readFilterFields(r: Reader): Filter {
  const type = r.varint();
  switch (type) {
    case FilterType.NEXT_GROUP:
    case FilterType.LARGEST_OBJECT:
      return { type };
    case FilterType.ABSOLUTE_START:
      return { type, start: readLocation(r) };
    case FilterType.ABSOLUTE_RANGE: {
      const start = readLocation(r);
      const endGroup = add(start.group, r.varint());
      if (endGroup === undefined) throw violation("end group beyond 2^64-1");
      return { type, start, endGroup };
    }
    default:
      throw violation(`subscription filter ${type} does not exist`);
  }
}

function writeFilter(outer: Writer, f: Filter): void {
  const w = new Writer().varint(f.type);
  if ("start" in f) writeLocation(w, f.start);
  if (f.type === FilterType.ABSOLUTE_RANGE) {
    const delta = subtract(f.endGroup, f.start.group);
    if (delta === undefined) throw new RangeError("the filter ends before it starts");
    w.varint(delta);
  }
  outer.prefixed(w.bytes());
}
