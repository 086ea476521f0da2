/** Reads and writes blocks of parameters by a table of them. */
import type { Reader, Writer } from "./buffer.ts";
import { violation } from "./errors.ts";
import type { Parameters } from "./params.ts";
import { MAX_VALUE_LENGTH } from "./properties.ts";
import { type RangeFilter, sameRangeFilter } from "./rangefilter.ts";
import type { Token } from "./token.ts";
import { add, isEven, subtract, type U64 } from "./u64.ts";

/** A message, with REQUEST_OK and REQUEST_UPDATE told apart by what they answer or update. */
export type Place = number | `ok:${number}` | `update:${number}`;

/** How a value is written. */
export interface ValueForm {
  /** Returns undefined for a value that is taken for left out. */
  read(r: Reader): unknown;
  write(w: Writer, v: never): void;
}

/** One parameter: its value, and the messages it may be in. */
export interface Spec {
  type: number;
  field: keyof Parameters;
  form: ValueForm;
  places: readonly Place[];
}

/** Fields that are lists, of which each value is a parameter. */
const lists: ReadonlySet<keyof Parameters> = new Set(["authTokens", "rangeFilters"] as const);

/**
 * Parameters that ask for nothing but better service: where a draft does not have them they are left out, while any
 * other that cannot be sent is an error.
 */
const advice: ReadonlySet<keyof Parameters> = new Set([
  "objectDeliveryTimeout", "rendezvousTimeout", "subgroupDeliveryTimeout", "fillTimeout", "expires", "forward", "subscriberPriority", "groupOrder", "includeProperties",
] as const);

/**
 * The table has all parameters of the draft, in ascending order of type; allowed says which of them may be here, and
 * removes that range filters may be taken away.
 */
export function readBlock(r: Reader, table: readonly Spec[], where: string, allowed: (s: Spec) => boolean, removes: boolean): Parameters {
  const p: Parameters = {};
  const seen = new Set<U64>();
  const count = r.varint();
  let type: U64 = 0;
  for (let i = 0; i < count; i++) {
    const sum = add(type, r.varint());
    if (sum === undefined) throw violation("parameter type beyond 2^64-1");
    type = sum;
    const s = table.find((s) => s.type === type);
    if (s === undefined) throw violation(`unknown parameter 0x${type.toString(16)} in ${where}`);
    if (seen.has(type) && !lists.has(s.field)) throw violation(`parameter ${s.field} is repeated`);
    seen.add(type);
    if (allowed(s)) put(p, s, s.form.read(r));
    else if (!r.draft.misplacedIgnored) throw violation(`parameter ${s.field} in ${where}`);
    else if (isEven(type)) r.varint();
    else r.prefixed("parameter", MAX_VALUE_LENGTH);
  }
  if (!removes && p.rangeFilters?.some((f) => f.ranges.length === 0)) p.invalidFilter ??= "a range filter without ranges";
  return p;
}

function put(p: Parameters, s: Spec, value: unknown): void {
  if (s.field === "authTokens") (p.authTokens ??= []).push(value as Token);
  else if (s.field === "rangeFilters") putRangeFilter(p, value as RangeFilter | string);
  else if (s.field === "fillParameters") putFill(p, value as Parameters);
  else if (value !== undefined) Object.assign(p, { [s.field]: value });
}

function putFill(p: Parameters, { invalidFilter, ...fill }: Parameters): void {
  if (invalidFilter !== undefined) p.invalidFilter ??= invalidFilter;
  p.fillParameters = fill;
}

function putRangeFilter(p: Parameters, f: RangeFilter | string): void {
  if (p.invalidFilter !== undefined) return;
  if (typeof f === "string") p.invalidFilter = f;
  else if (p.rangeFilters?.some((g) => sameRangeFilter(f, g))) p.invalidFilter = `filter 0x${f.type.toString(16)} is twice in set ${f.setId}`;
  else (p.rangeFilters ??= []).push(f);
}

/** The table has the parameters that may be here. Throws a RangeError for others, unless they are only advice. */
export function writeBlock(w: Writer, table: readonly Spec[], where: string, p: Parameters): void {
  const values: { spec: Spec; value: unknown }[] = [];
  for (const spec of table) {
    if (spec.field === "authTokens") for (const value of p.authTokens ?? []) values.push({ spec, value });
    else if (spec.field === "rangeFilters") for (const value of p.rangeFilters ?? []) value.type === spec.type && values.push({ spec, value });
    else if (p[spec.field] !== undefined) values.push({ spec, value: p[spec.field] });
  }
  for (const field of Object.keys(p) as (keyof Parameters)[]) {
    const count = lists.has(field) ? (p[field] as unknown[] | undefined)?.length : p[field] === undefined ? 0 : 1;
    if (count !== values.filter((v) => v.spec.field === field).length && !advice.has(field)) throw new RangeError(`parameter ${field} in ${where}`);
  }
  w.varint(values.length);
  let previous: U64 = 0;
  for (const { spec, value } of values) {
    w.varint(subtract(spec.type, previous) as U64);
    spec.form.write(w, value as never);
    previous = spec.type;
  }
}
