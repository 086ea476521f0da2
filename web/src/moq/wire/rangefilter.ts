/** Range filters: which objects pass by what their headers say (moqt-19 §5.1.3). */
import { Reader, Writer } from "./buffer.ts";
import { framed } from "./filter.ts";
import { add, isEven, MAX_U64, subtract, type U64 } from "./u64.ts";

/** What a range filter selects by. The values are types of parameters. */
export const RangeFilterType = { SUBGROUP: 0x25, OBJECT_ID: 0x26, PRIORITY: 0x27, OBJECT_PROPERTY: 0x28, TRACK_PROPERTY: 0x29 } as const;

/** Both ends are included; last is MAX_U64 if there is none. */
export interface ValueRange {
  first: U64;
  last: U64;
}

/**
 * Passes what has a value in one of the ranges. Filters of one set must all pass, and one set that passes is enough.
 * No ranges: removes the filters of this type, and set and property are 0.
 */
export interface RangeFilter {
  type: number;
  setId: number;
  /** Type of a property with integers, for the two filters of properties; else 0. */
  property: U64;
  ranges: ValueRange[];
}

function hasProperty(type: number): boolean {
  return type === RangeFilterType.OBJECT_PROPERTY || type === RangeFilterType.TRACK_PROPERTY;
}

/** The filter, or why the request must be refused with INVALID_FILTER. Throws WireError for faults of the framing. */
export function readRangeFilter(outer: Reader, type: number): RangeFilter | string {
  return framed(outer, "range filter", (r) => {
    const f: RangeFilter = { type, setId: 0, property: 0, ranges: [] };
    if (r.remaining === 0) return f;
    f.setId = r.uint8();
    if (hasProperty(type)) f.property = r.varint();
    let invalid = isEven(f.property) ? undefined : `property 0x${f.property.toString(16)} has no integers`;
    let end: U64 | undefined = 0;
    while (r.remaining > 0) {
      const first: U64 | undefined = add(end ?? 0, r.varint());
      end = r.remaining === 0 ? MAX_U64 : add(first ?? 0, r.varint());
      if (first === undefined || end === undefined) invalid ??= "a range beyond 2^64-1";
      else f.ranges.push({ first, last: end });
    }
    if (f.ranges.length === 0) invalid ??= "a filter without a range";
    if (type === RangeFilterType.PRIORITY && f.ranges.some((v) => v.first > 255 || (v.last > 255 && v.last !== MAX_U64))) invalid ??= "a priority above 255";
    return invalid ?? f;
  });
}

export function writeRangeFilter(outer: Writer, f: RangeFilter): void {
  const w = new Writer(outer.draft);
  if (f.ranges.length > 0) {
    w.uint8(f.setId);
    if (hasProperty(f.type)) w.varint(f.property);
    let end: U64 = 0;
    f.ranges.forEach(({ first, last }, i) => {
      const start = subtract(first, end);
      const length = subtract(last, first);
      if (start === undefined || length === undefined) throw new RangeError("ranges of a filter must ascend");
      w.varint(start);
      if (last !== MAX_U64 || i < f.ranges.length - 1) w.varint(length);
      end = last;
    });
  }
  outer.prefixed(w.bytes());
}

/** True if one message may not have both: they differ in nothing but their ranges, or one removes the other. */
export function sameRangeFilter(a: RangeFilter, b: RangeFilter): boolean {
  const removal = a.ranges.length === 0 || b.ranges.length === 0;
  return a.type === b.type && (removal || (a.setId === b.setId && a.property === b.property));
}
