/** Filters: which objects of a track pass (moqt-18 §5.1.2, moqt-19 §5.1.2 and §5.1.3). */
import { Reader, Writer } from "./buffer.ts";
import { ShortInput, violation } from "./errors.ts";
import { add, MAX_U64, subtract, type U64 } from "./u64.ts";

/** A place in a track (moqt-18 §1.4.2). */
export interface WireLocation {
  group: U64;
  object: U64;
}

/** Kinds of location filters, in the terms of the newest draft. The drafts number them differently. */
export const FilterType = {
  /** Everything; in an update, no filter any more. */
  NONE: 0,
  NEXT_GROUP: 1,
  /** From the next object on ("Largest Object" up to draft 18). */
  LARGEST_OBJECT: 2,
  ABSOLUTE_START: 3,
  ABSOLUTE_RANGE: 4,
  RELATIVE_GROUP: 5,
} as const;

/**
 * A location filter. Ends are inclusive and absolute; without endObject the whole of the last group passes. groups
 * counts back from the next group: 1 is the current group, 2 the one before it too. Up to draft 19 a subscription has
 * no RELATIVE_GROUP and no endObject.
 */
export type Filter =
  | { type: 0 | 1 | 2 }
  | { type: 3; start: WireLocation }
  | { type: 4; start: WireLocation; endGroup: U64; endObject?: U64 }
  | { type: 5; groups: U64 };

export function readLocation(r: Reader): WireLocation {
  return { group: r.varint(), object: r.varint() };
}

export function writeLocation(w: Writer, l: WireLocation): void {
  w.varint(l.group).varint(l.object);
}

/** Reads the bytes after a length with read, which must take them all. Any fault is a violation. */
export function framed<T>(outer: Reader, what: string, read: (r: Reader) => T): T {
  const r = new Reader(outer.take(outer.varint()), outer.draft);
  try {
    const value = read(r);
    if (r.remaining > 0) throw violation(`${r.remaining} bytes after a ${what}`);
    return value;
  } catch (e) {
    throw e instanceof ShortInput ? violation(`${what} ends inside a field`) : e;
  }
}

/** The filter of a subscription up to draft 19: a type, then what goes with it. */
export const typedFilter = {
  read: (r: Reader): Filter => framed(r, "subscription filter", readTyped),
  write(outer: Writer, filter: Filter): void {
    const f = asTyped(filter);
    const w = new Writer(outer.draft).varint(f.type);
    if ("start" in f) writeLocation(w, f.start);
    if (f.type === FilterType.ABSOLUTE_RANGE) {
      if ((f.endObject ?? MAX_U64) !== MAX_U64) throw new RangeError("a subscription ends with a group");
      const delta = groupDelta(f);
      w.varint(w.draft.filterDelta ? delta : f.endGroup);
    }
    outer.prefixed(w.bytes());
  },
};

/** The same filter in the terms of the typed form. */
function asTyped(f: Filter): Filter {
  if (f.type === FilterType.NONE) return { type: FilterType.ABSOLUTE_START, start: { group: 0, object: 0 } };
  if (f.type !== FilterType.RELATIVE_GROUP) return f;
  if (f.groups !== 0) throw new RangeError("a subscription cannot begin in the past");
  return { type: FilterType.NEXT_GROUP };
}

function groupDelta(f: Extract<Filter, { type: 4 }>): U64 {
  const delta = subtract(f.endGroup, f.start.group);
  if (delta === undefined) throw new RangeError("the filter ends before it starts");
  return delta;
}

function endGroup(start: WireLocation, delta: U64): U64 {
  const end = add(start.group, delta);
  if (end === undefined) throw violation("end group beyond 2^64-1");
  return end;
}

function readTyped(r: Reader): Filter {
  const type = r.varint();
  switch (type) {
    case FilterType.NEXT_GROUP:
    case FilterType.LARGEST_OBJECT:
      return { type };
    case FilterType.ABSOLUTE_START:
      return { type, start: readLocation(r) };
    case FilterType.ABSOLUTE_RANGE: {
      const start = readLocation(r);
      const end = r.varint();
      if (r.draft.filterDelta) return { type, start, endGroup: endGroup(start, end) };
      if (end < start.group) throw violation(`subscription filter ends with group ${end} before its start`);
      return { type, start, endGroup: end };
    }
    default:
      throw violation(`subscription filter ${type} does not exist`);
  }
}

/** Types of the LOCATION_FILTER of draft 22, as other implementations have them. */
const Form22 = { NONE: 0, RELATIVE: 1, START: 2, END_GROUP: 3, END_OBJECT: 4, NEXT_OBJECT: 5 } as const;

/** The LOCATION_FILTER of draft 22: without a length. */
export const bareFilter = {
  read(r: Reader): Filter {
    const form = r.varint();
    switch (form) {
      case Form22.NONE:
        return { type: FilterType.NONE };
      case Form22.NEXT_OBJECT:
        return { type: FilterType.LARGEST_OBJECT };
      case Form22.RELATIVE: {
        const groups = r.varint();
        return groups === 0 ? { type: FilterType.NEXT_GROUP } : { type: FilterType.RELATIVE_GROUP, groups };
      }
      case Form22.START:
        return { type: FilterType.ABSOLUTE_START, start: readLocation(r) };
      case Form22.END_GROUP:
      case Form22.END_OBJECT: {
        const start = readLocation(r);
        const f: Filter = { type: FilterType.ABSOLUTE_RANGE, start, endGroup: endGroup(start, r.varint()) };
        if (form === Form22.END_OBJECT) f.endObject = r.varint();
        return f;
      }
      default:
        throw violation(`location filter ${form} does not exist`);
    }
  },
  write(w: Writer, f: Filter): void {
    switch (f.type) {
      case FilterType.NONE:
        w.varint(Form22.NONE);
        return;
      case FilterType.LARGEST_OBJECT:
        w.varint(Form22.NEXT_OBJECT);
        return;
      case FilterType.NEXT_GROUP:
        w.varint(Form22.RELATIVE).varint(0);
        return;
      case FilterType.RELATIVE_GROUP:
        w.varint(Form22.RELATIVE).varint(f.groups);
        return;
      case FilterType.ABSOLUTE_START:
        writeLocation(w.varint(Form22.START), f.start);
        return;
      case FilterType.ABSOLUTE_RANGE:
        writeLocation(w.varint(f.endObject === undefined ? Form22.END_GROUP : Form22.END_OBJECT), f.start);
        w.varint(groupDelta(f));
        if (f.endObject !== undefined) w.varint(f.endObject);
    }
  },
};

/** The ends of a standalone FETCH up to draft 19: the last object plus one, 0 for all of its group. */
export function readFetchRange(r: Reader): Filter {
  const start = readLocation(r);
  const end = readLocation(r);
  const f: Filter = { type: FilterType.ABSOLUTE_RANGE, start, endGroup: end.group };
  const endObject = subtract(end.object, 1);
  if (endObject !== undefined) f.endObject = endObject;
  return f;
}

export function writeFetchRange(w: Writer, f: Filter | undefined): void {
  if (f?.type !== FilterType.ABSOLUTE_RANGE) throw new RangeError("the filter of a fetch must be an absolute range");
  writeLocation(w, f.start);
  writeLocation(w, { group: f.endGroup, object: f.endObject === undefined ? 0 : (add(f.endObject, 1) ?? 0) });
}

/** The last location of FETCH_OK, object MAX_U64 for all of its group; plus one on the wire up to draft 19. */
export function readFetchEnd(r: Reader): WireLocation {
  const end = readLocation(r);
  return r.draft.fill ? end : { group: end.group, object: subtract(end.object, 1) ?? MAX_U64 };
}

export function writeFetchEnd(w: Writer, end: WireLocation): void {
  writeLocation(w, w.draft.fill ? end : { group: end.group, object: add(end.object, 1) ?? 0 });
}
