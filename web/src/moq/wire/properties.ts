/**
 * Key-Value-Pairs (moqt-18 §1.4.3) and the properties of tracks and objects made of them (§2.5, §12).
 *
 * Blocks of properties are in canonical form everywhere but on the wire: the form of draft 18 and later. The codec
 * brings those of draft 16 into it. The bytes of values stay as they are, also those of Immutable Properties.
 */
import { Reader, Writer } from "./buffer.ts";
import { CANONICAL, type Draft, DRAFT_16 } from "./draft.ts";
import { badKeyValue, ShortInput, violation, WireError } from "./errors.ts";
import { add, isEven, subtract, type U64 } from "./u64.ts";

/** Even types carry an integer, odd types carry bytes. */
export interface KeyValue {
  type: U64;
  value: U64 | Uint8Array;
}

/** Longest value of an odd type. */
export const MAX_VALUE_LENGTH = 0xffff;
/** Longest block of properties that is accepted on an object. The draft sets no limit. */
export const MAX_PROPERTIES_LENGTH = 0xffff;

/** Property types of moqt-18 §15.8. */
export const PropertyType = {
  OBJECT_DELIVERY_TIMEOUT: 0x02,
  MAX_CACHE_DURATION: 0x04,
  SUBGROUP_DELIVERY_TIMEOUT: 0x06,
  IMMUTABLE_PROPERTIES: 0x0b,
  DEFAULT_PUBLISHER_PRIORITY: 0x0e,
  DEFAULT_PUBLISHER_GROUP_ORDER: 0x22,
  DYNAMIC_GROUPS: 0x30,
  PRIOR_GROUP_ID_GAP: 0x3c,
  PRIOR_OBJECT_ID_GAP: 0x3e,
} as const;

/** All pairs of a block, which is canonical unless a draft is given. Values alias it. Throws WireError. */
export function parseKeyValues(block: Uint8Array, draft: Draft = CANONICAL): KeyValue[] {
  const { pairs, fault } = scanKeyValues(block, draft);
  if (fault !== undefined) throw fault;
  return pairs;
}

/** The pairs before the first fault, and the fault. */
function scanKeyValues(block: Uint8Array, draft: Draft): { pairs: KeyValue[]; fault?: WireError } {
  const r = new Reader(block, draft);
  const pairs: KeyValue[] = [];
  let previous: U64 = 0;
  try {
    while (r.remaining > 0) {
      const type = add(previous, r.varint());
      if (type === undefined) throw violation("key-value type beyond 2^64-1");
      pairs.push({ type, value: isEven(type) ? r.varint() : r.prefixed("key-value", MAX_VALUE_LENGTH) });
      previous = type;
    }
  } catch (e) {
    if (e instanceof ShortInput) return { pairs, fault: badKeyValue("key-value pairs end in the middle of one") };
    if (e instanceof WireError) return { pairs, fault: e };
    throw e;
  }
  return { pairs };
}

/** A block of the wire in canonical form, the same bytes where that is possible. Throws WireError. */
export function toCanonical(block: Uint8Array, draft: Draft): Uint8Array {
  if (draft.varint === CANONICAL.varint || block.length === 0) return block;
  return encodeKeyValues(parseKeyValues(block, draft));
}

/** As fromCanonical, for the properties of a track. */
export function trackFromCanonical(block: Uint8Array, draft: Draft): Uint8Array {
  if (draft.noDeliveryTimeout) return fromCanonical(block, draft);
  // That there is none is said by leaving it out.
  const none = (p: KeyValue) => p.type === PropertyType.OBJECT_DELIVERY_TIMEOUT && p.value === 0;
  return fromCanonical(block, draft, (p) => !none(p));
}

/** Throws WireError for a track that says it has no delivery timeout where the draft has no way to say so. */
export function checkDeliveryTimeout(pairs: readonly KeyValue[], draft: Draft): void {
  if (!draft.noDeliveryTimeout && findInteger(pairs, PropertyType.OBJECT_DELIVERY_TIMEOUT) === 0) throw violation("a delivery timeout of 0");
}

/** A canonical block as the draft has it on the wire, without the pairs that it cannot express or that are not wanted. */
export function fromCanonical(block: Uint8Array, draft: Draft, wanted: (p: KeyValue) => boolean = () => true): Uint8Array {
  if (draft.varint === CANONICAL.varint || block.length === 0) return block;
  const { max } = draft.varint;
  let written: U64 = 0;
  const pairs = parseKeyValues(block).filter((p) => {
    const delta = subtract(p.type, written);
    if (!wanted(p) || delta === undefined || delta > max || (!(p.value instanceof Uint8Array) && p.value > max)) return false;
    written = p.type;
    return true;
  });
  return encodeKeyValues(pairs, draft);
}

/** Encodes pairs in ascending order of type; pairs of one type keep their order. Canonical unless a draft is given. */
export function encodeKeyValues(pairs: readonly KeyValue[], draft: Draft = CANONICAL): Uint8Array {
  const sorted = [...pairs].sort((a, b) => (a.type < b.type ? -1 : a.type > b.type ? 1 : 0));
  const w = new Writer(draft);
  let previous: U64 = 0;
  for (const { type, value } of sorted) {
    w.varint(subtract(type, previous) as U64);
    previous = type;
    if (isEven(type) !== !(value instanceof Uint8Array)) throw new TypeError(`value of type ${type} has the wrong form`);
    if (!(value instanceof Uint8Array)) w.varint(value);
    else if (value.length > MAX_VALUE_LENGTH) throw new RangeError(`value of type ${type} has ${value.length} bytes`);
    else w.prefixed(value);
  }
  return w.bytes();
}

/** The first integer of that even type; undefined if there is none. */
export function findInteger(pairs: readonly KeyValue[], type: U64): U64 | undefined {
  const found = pairs.find((p) => p.type === type)?.value;
  return found instanceof Uint8Array ? undefined : found;
}

/**
 * What is inside Immutable Properties. Nobody on the way may write them again (moqt-18 §12.7), so the integers have the
 * form of the draft that their publisher spoke, which nothing tells: it is not always that of the session. As in the Go
 * package, vi64 is tried first, then RFC 9000; what is neither is read as vi64 up to the fault. Most integers are below
 * 64 and the same in both.
 */
function scanImmutable(contents: Uint8Array): { pairs: KeyValue[]; fault?: WireError } {
  const canonical = scanKeyValues(contents, CANONICAL);
  if (canonical.fault === undefined) return canonical;
  const quic = scanKeyValues(contents, DRAFT_16);
  return quic.fault === undefined ? quic : canonical;
}

/** The pairs with those inside Immutable Properties put after them (moqt-18 §12.7). Undefined if those are malformed. */
export function flattenImmutable(pairs: readonly KeyValue[]): KeyValue[] | undefined {
  const immutable = pairs.filter((p) => p.type === PropertyType.IMMUTABLE_PROPERTIES);
  if (immutable.length === 0) return [...pairs];
  if (immutable.length > 1) return undefined;
  const { pairs: inner, fault } = scanImmutable((immutable[0] as KeyValue).value as Uint8Array);
  if (fault !== undefined || inner.some((p) => p.type === PropertyType.IMMUTABLE_PROPERTIES)) return undefined;
  return [...pairs.filter((p) => p.type !== PropertyType.IMMUTABLE_PROPERTIES), ...inner];
}

/** What the properties of a track mean to the transport. */
export interface TrackInfo {
  /** Priority of subgroups and datagrams that name none, 0 to 255. */
  publisherPriority: number;
  groupOrder: "ascending" | "descending";
  dynamicGroups: boolean;
  /** The first type in 0x4000 to 0x7FFF: nobody who does not understand it may use the track (§2.5.1). */
  unknownMandatory?: number;
}

/**
 * Values inside Immutable Properties count as far as those can be read; what stands outside comes first. Throws
 * WireError for values that §12.4 to §12.6 forbid.
 */
export function trackInfo(outside: readonly KeyValue[], draft: Draft): TrackInfo {
  const immutable = outside.find((p) => p.type === PropertyType.IMMUTABLE_PROPERTIES)?.value;
  const pairs = immutable instanceof Uint8Array ? [...outside, ...scanImmutable(immutable).pairs] : outside;
  checkDeliveryTimeout(pairs, draft);
  const priority = findInteger(pairs, PropertyType.DEFAULT_PUBLISHER_PRIORITY) ?? 128;
  if (priority > 255) throw violation(`publisher priority ${priority} is above 255`);
  const order = findInteger(pairs, PropertyType.DEFAULT_PUBLISHER_GROUP_ORDER) ?? 1;
  if (order !== 1 && order !== 2) throw violation(`publisher group order ${order} is neither ascending nor descending`);
  const dynamic = findInteger(pairs, PropertyType.DYNAMIC_GROUPS) ?? 0;
  if (dynamic > 1) throw violation(`dynamic groups ${dynamic} is neither 0 nor 1`);
  const info: TrackInfo = {
    publisherPriority: Number(priority),
    groupOrder: order === 1 ? "ascending" : "descending",
    dynamicGroups: dynamic === 1,
  };
  const mandatory = pairs.find((p) => p.type >= 0x4000 && p.type <= 0x7fff);
  if (mandatory !== undefined) info.unknownMandatory = Number(mandatory.type);
  return info;
}
