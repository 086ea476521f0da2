/** The Message Parameters of each draft: numbers, forms and the messages they may be in. */
import { type Reader, Writer } from "./buffer.ts";
import type { Draft } from "./draft.ts";
import { badKeyValue, violation, WireError } from "./errors.ts";
import { bareFilter, framed, readLocation, typedFilter, type WireLocation, writeLocation } from "./filter.ts";
import { readNamespace, writeNamespace } from "./names.ts";
import { type Place, readBlock, type Spec, type ValueForm, writeBlock } from "./paramblock.ts";
import type { FillParameters, GroupOrder, Parameters } from "./params.ts";
import { RangeFilterType, type RangeFilter, readRangeFilter, writeRangeFilter } from "./rangefilter.ts";
import { encodeToken, parseToken, type Token } from "./token.ts";
import { MessageType } from "./types.ts";
import type { U64 } from "./u64.ts";

const {
  SUBSCRIBE, SUBSCRIBE_OK, PUBLISH, FETCH, TRACK_STATUS, SUBSCRIBE_NAMESPACE, SUBSCRIBE_TRACKS, PUBLISH_NAMESPACE, REQUEST_UPDATE, PUBLISH_STATE_NOTIFY,
} = MessageType;

function ok(...requests: number[]): Place[] {
  return requests.map((t): Place => `ok:${t}`);
}

function update(...requests: number[]): Place[] {
  return requests.map((t): Place => `update:${t}`);
}

/** Both ways to begin a subscription: REQUEST_UPDATE may change either. */
const subscriptions = [SUBSCRIBE, PUBLISH];
/** What a REQUEST_UPDATE may be of, where a draft does not say. */
const updatable = [...subscriptions, FETCH, SUBSCRIBE_NAMESPACE, SUBSCRIBE_TRACKS, PUBLISH_NAMESPACE];
/** Where a subscriber says what it wants, up to draft 19. */
const wishes = [SUBSCRIBE, ...ok(PUBLISH)];

const integer: ValueForm = { read: (r) => r.varint(), write: (w, v: U64) => void w.varint(v) };
const byte = { read: (r: Reader): number => r.uint8(), write: (w: Writer, v: number): void => void w.uint8(v) };
/** A byte of draft 16, where all that is a number is a varint. */
const small = {
  read(r: Reader): number {
    const v = r.varint();
    if (v > 0xff) throw violation(`${v} is not a byte`);
    return v as number;
  },
  write: (w: Writer, v: number): void => void w.varint(v),
};

function flag(of: typeof byte): ValueForm {
  return {
    read(r) {
      const v = of.read(r);
      if (v > 1) throw violation(`${v} is neither 0 nor 1`);
      return v === 1;
    },
    write: (w, v: boolean) => of.write(w, v ? 1 : 0),
  };
}

function knownOrder(v: number): GroupOrder {
  if (v !== 1 && v !== 2) throw violation(`group order ${v} is neither ascending nor descending`);
  return v;
}

function groupOrder(of: typeof byte): ValueForm {
  return {
    read: (r) => knownOrder(of.read(r)),
    write: (w, v: GroupOrder) => of.write(w, v),
  };
}

/**
 * 0 is taken for left out. Strictly, moqt-16 §9.2.2.4 wants a PROTOCOL_VIOLATION for it; this is a deliberate exception,
 * the same as the relay's for Shaka Player 5.2.12, which sends 0 as draft 14 had it. It is never written.
 */
const groupOrder16: ValueForm = {
  read(r) {
    const v = small.read(r);
    return v === 0 ? undefined : knownOrder(v);
  },
  write: groupOrder(small).write,
};

const token: ValueForm = {
  read: (r) => parseToken(r.take(r.varint()), r.draft),
  write: (w, v: Token) => void w.prefixed(encodeToken(v, w.draft)),
};
const location: ValueForm = { read: readLocation, write: writeLocation };
/** A location of draft 16, where all that is no number has a length. */
const framedLocation: ValueForm = {
  read(r) {
    try {
      return framed(r, "location", readLocation);
    } catch (e) {
      throw e instanceof WireError ? badKeyValue(e.message) : e;
    }
  },
  write(w, v: WireLocation) {
    const inner = new Writer(w.draft);
    writeLocation(inner, v);
    w.prefixed(inner.bytes());
  },
};
const namespace: ValueForm = { read: readNamespace, write: writeNamespace };

function spec(type: number, field: keyof Parameters, form: ValueForm, places: Place[]): Spec {
  return { type, field, form, places };
}

// moqt-16 §13.2.
const table16: readonly Spec[] = [
  spec(0x02, "objectDeliveryTimeout", {
    read(r) {
      const v = r.varint();
      if (v === 0) throw violation("a delivery timeout of 0");
      return v;
    },
    write: integer.write,
  }, [...wishes, ...update(...updatable)]),
  spec(0x03, "authTokens", token, [PUBLISH, SUBSCRIBE, SUBSCRIBE_NAMESPACE, PUBLISH_NAMESPACE, TRACK_STATUS, FETCH, ...update(...updatable)]),
  spec(0x08, "expires", integer, [SUBSCRIBE_OK, PUBLISH, ...ok(PUBLISH, REQUEST_UPDATE, TRACK_STATUS)]),
  spec(0x09, "largestObject", framedLocation, [SUBSCRIBE_OK, PUBLISH, ...ok(REQUEST_UPDATE, TRACK_STATUS)]),
  spec(0x10, "forward", flag(small), [...wishes, PUBLISH, SUBSCRIBE_NAMESPACE, ...update(...subscriptions)]),
  spec(0x20, "subscriberPriority", small, [...wishes, FETCH, ...update(...subscriptions, FETCH)]),
  spec(0x21, "filter", typedFilter, [...wishes, ...update(...subscriptions)]),
  spec(0x22, "groupOrder", groupOrder16, [...wishes, FETCH]),
  spec(0x32, "newGroupRequest", integer, [...wishes, ...update(...subscriptions)]),
];

// moqt-18 §15.7. EXPIRES may answer TRACK_STATUS because §10.14 wants what a SUBSCRIBE_OK would have had.
const table18: readonly Spec[] = [
  spec(0x02, "objectDeliveryTimeout", integer, [...wishes, ...update(...updatable)]),
  spec(0x03, "authTokens", token, [PUBLISH, SUBSCRIBE, SUBSCRIBE_NAMESPACE, SUBSCRIBE_TRACKS, PUBLISH_NAMESPACE, TRACK_STATUS, FETCH, ...update(...updatable)]),
  spec(0x04, "rendezvousTimeout", integer, [SUBSCRIBE]),
  spec(0x06, "subgroupDeliveryTimeout", integer, [...wishes, ...update(...updatable)]),
  spec(0x08, "expires", integer, [SUBSCRIBE_OK, PUBLISH, ...ok(PUBLISH, REQUEST_UPDATE, TRACK_STATUS)]),
  spec(0x09, "largestObject", location, [SUBSCRIBE_OK, PUBLISH, ...ok(REQUEST_UPDATE, TRACK_STATUS)]),
  spec(0x0a, "fillTimeout", integer, [FETCH]),
  spec(0x10, "forward", flag(byte), [...wishes, PUBLISH, SUBSCRIBE_TRACKS, ...update(...subscriptions)]),
  spec(0x20, "subscriberPriority", byte, [...wishes, FETCH, ...update(...subscriptions, FETCH)]),
  spec(0x21, "filter", typedFilter, [...wishes, ...update(...subscriptions)]),
  spec(0x22, "groupOrder", groupOrder(byte), [...wishes, FETCH]),
  spec(0x32, "newGroupRequest", integer, [...wishes, ...update(...subscriptions)]),
  spec(0x34, "trackNamespacePrefix", namespace, update(SUBSCRIBE_NAMESPACE, SUBSCRIBE_TRACKS)),
];

const rangeFilter = (type: number): ValueForm => ({ read: (r) => readRangeFilter(r, type), write: (w, v: RangeFilter) => writeRangeFilter(w, v) });
const { SUBGROUP, OBJECT_ID, PRIORITY, OBJECT_PROPERTY, TRACK_PROPERTY } = RangeFilterType;

function rangeFilters(types: number[], places: Place[]): Spec[] {
  return types.map((type) => spec(type, "rangeFilters", rangeFilter(type), places));
}

const objectFilters = [SUBGROUP, OBJECT_ID, PRIORITY, OBJECT_PROPERTY];

/**
 * What may be inside FILL_PARAMETERS in draft 22. That range filters may is not in the text at hand: the change of
 * draft 20 that made the value a count with parameters added it.
 */
const fillTable22: readonly Spec[] = [
  spec(0x0a, "fillTimeout", integer, []),
  spec(0x20, "subscriberPriority", byte, []),
  spec(0x21, "filter", bareFilter, []),
  spec(0x22, "groupOrder", groupOrder(byte), []),
  ...rangeFilters(objectFilters, []),
];

/** Parameters with a scope of their own. */
const fill: ValueForm = {
  read: (r) => framed(r, "FILL_PARAMETERS", (inner) => readBlock(inner, fillTable22, "FILL_PARAMETERS", () => true, true)),
  write(w, v: FillParameters) {
    const inner = new Writer(w.draft);
    writeBlock(inner, fillTable22, "FILL_PARAMETERS", v);
    w.prefixed(inner.bytes());
  },
};

/** What is valid in SUBSCRIBE is in SUBSCRIBE_TRACKS (moqt-19 §10.19.1). */
const initial = [SUBSCRIBE, SUBSCRIBE_TRACKS];
/** PUBLISH tells what a SUBSCRIBE_TRACKS asked for (draft 20). */
const settings = [...initial, PUBLISH];

// Draft 20 §15.7, with the LOCATION_FILTER of draft 22.
const table22: readonly Spec[] = [
  spec(0x02, "objectDeliveryTimeout", integer, [...settings, ...update(...updatable)]),
  spec(0x03, "authTokens", token, [PUBLISH, SUBSCRIBE, SUBSCRIBE_NAMESPACE, SUBSCRIBE_TRACKS, PUBLISH_NAMESPACE, TRACK_STATUS, FETCH, ...update(...updatable)]),
  spec(0x04, "rendezvousTimeout", integer, initial),
  spec(0x06, "subgroupDeliveryTimeout", integer, [...settings, ...update(...updatable)]),
  spec(0x08, "expires", integer, [
    SUBSCRIBE_OK, PUBLISH, ...ok(PUBLISH, REQUEST_UPDATE, TRACK_STATUS, SUBSCRIBE_NAMESPACE, SUBSCRIBE_TRACKS, PUBLISH_NAMESPACE),
  ]),
  spec(0x09, "largestObject", location, [SUBSCRIBE_OK, PUBLISH, PUBLISH_STATE_NOTIFY, ...ok(REQUEST_UPDATE, TRACK_STATUS)]),
  spec(0x0a, "fillTimeout", integer, [FETCH]),
  spec(0x10, "forward", flag(byte), [...settings, PUBLISH_STATE_NOTIFY, ...update(...subscriptions, SUBSCRIBE_TRACKS)]),
  spec(0x20, "subscriberPriority", byte, [...settings, FETCH, ...update(...subscriptions, FETCH)]),
  spec(0x21, "filter", bareFilter, [...settings, FETCH, PUBLISH_STATE_NOTIFY, ...update(...subscriptions)]),
  spec(0x22, "groupOrder", groupOrder(byte), [...settings, FETCH]),
  spec(0x23, "fillParameters", fill, [SUBSCRIBE, ...update(...subscriptions)]),
  ...rangeFilters(objectFilters, [...initial, FETCH, ...update(...subscriptions)]),
  ...rangeFilters([TRACK_PROPERTY], [SUBSCRIBE_TRACKS, ...update(SUBSCRIBE_TRACKS)]),
  spec(0x32, "newGroupRequest", integer, [...initial, ...update(...subscriptions)]),
  spec(0x34, "trackNamespacePrefix", namespace, update(SUBSCRIBE_NAMESPACE, SUBSCRIBE_TRACKS)),
  spec(0x35, "includeProperties", flag(byte), [...initial, TRACK_STATUS, FETCH]),
];

/** In ascending order of type. */
export function parameterTable(d: Draft): readonly Spec[] {
  if (d.fill) return table22;
  return d.misplacedIgnored ? table16 : table18;
}
