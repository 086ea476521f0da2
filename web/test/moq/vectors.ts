/** The golden vectors that this client shares with the Go codec: moq/wire/testdata/vectors, described in its README. */
import { readdirSync, readFileSync } from "node:fs";
import { type Draft, DRAFTS } from "../../src/moq/wire/draft.ts";
import { FilterType, type Filter, type WireLocation } from "../../src/moq/wire/filter.ts";
import type { FillParameters, Parameters } from "../../src/moq/wire/params.ts";
import type { KeyValue } from "../../src/moq/wire/properties.ts";
import type { FullTrackName } from "../../src/moq/wire/names.ts";
import type { RangeFilter } from "../../src/moq/wire/rangefilter.ts";
import type { Token } from "../../src/moq/wire/token.ts";
import { type Message, MessageType } from "../../src/moq/wire/types.ts";
import { normalise, type U64 } from "../../src/moq/wire/u64.ts";

export interface Vector {
  name: string;
  /** Of the entry: a number in the file, an object of ours when it was loaded. */
  draft: Draft;
  hex?: string;
  decodeOnly?: boolean;
  value?: any;
  error?: string;
  [more: string]: unknown;
}

const folder = "../moq/wire/testdata/vectors";

/** The names of the files, without the ending. */
export function files(): string[] {
  return readdirSync(folder).filter((f) => f.endsWith(".json")).map((f) => f.replace(/\.json$/, ""));
}

/** The entries of the drafts that this client speaks. */
export function load(file: string): Vector[] {
  const entries: { draft: number }[] = JSON.parse(readFileSync(`${folder}/${file}.json`, "utf8"));
  return entries.flatMap((e) => DRAFTS.filter((d) => d.number === e.draft).map((draft) => ({ ...e, draft }) as unknown as Vector));
}

export function fromHex(text: string | undefined): Uint8Array {
  return Uint8Array.from(Buffer.from(text ?? "", "hex"));
}

export function toHex(b: Uint8Array): string {
  return Buffer.from(b).toString("hex");
}

export function u64(text: string): U64 {
  return normalise(BigInt(text));
}

/** Leaves out empty bytes and empty lists, as the vectors do. */
export function omitEmpty(o: Record<string, unknown>): Record<string, unknown> {
  return Object.fromEntries(Object.entries(o).filter(([, v]) => v !== undefined && v !== "" && !(Array.isArray(v) && v.length === 0)));
}

/** Go's longest time.Duration in milliseconds: the vectors saturate there. */
const MAX_MS = 9223372036854n;

function millis(v: U64 | undefined): string | undefined {
  if (v === undefined) return undefined;
  return String(BigInt(v) > MAX_MS ? MAX_MS : v);
}

function location(l: WireLocation): { group: string; object: string } {
  return { group: String(l.group), object: String(l.object) };
}

function toLocation(v: any): WireLocation {
  return { group: u64(v.group), object: u64(v.object) };
}

export function pair(kv: KeyValue): Record<string, string> {
  return kv.value instanceof Uint8Array ? { type: String(kv.type), bytes: toHex(kv.value) } : { type: String(kv.type), value: String(kv.value) };
}

export function toPair(v: any): KeyValue {
  return { type: u64(v.type), value: v.bytes !== undefined ? fromHex(v.bytes) : u64(v.value) };
}

export function trackName(f: FullTrackName): { namespace: string[]; name: string } {
  return { namespace: f.namespace.map(toHex), name: toHex(f.name) };
}

export function toTrackName(v: any): FullTrackName {
  return { namespace: v.namespace.map(fromHex), name: fromHex(v.name) };
}

function token(t: Token): Record<string, unknown> {
  return omitEmpty({
    aliasType: String(t.aliasType),
    alias: "alias" in t ? String(t.alias) : "0",
    tokenType: "tokenType" in t ? String(t.tokenType) : "0",
    value: "value" in t ? toHex(t.value) : "",
  });
}

function toToken(v: any): Token {
  const aliasType = Number(v.aliasType);
  const alias = u64(v.alias);
  const value = { tokenType: u64(v.tokenType), value: fromHex(v.value) };
  if (aliasType === 3) return { aliasType, ...value };
  return aliasType === 1 ? { aliasType, alias, ...value } : { aliasType: aliasType as 0 | 2, alias };
}

function filter(f: Filter): Record<string, unknown> {
  const v: Record<string, unknown> = {
    type: f.type,
    start: "start" in f ? location(f.start) : { group: "0", object: "0" },
    endGroup: "endGroup" in f ? String(f.endGroup) : "0",
    groups: "groups" in f ? String(f.groups) : "0",
  };
  if ("endObject" in f) v["endObject"] = String(f.endObject);
  return v;
}

function toFilter(v: any): Filter {
  const { type } = v;
  if (type === FilterType.ABSOLUTE_RANGE) {
    const f: Filter = { type, start: toLocation(v.start), endGroup: u64(v.endGroup) };
    if (v.endObject !== undefined) f.endObject = u64(v.endObject);
    return f;
  }
  if (type === FilterType.RELATIVE_GROUP) return { type, groups: u64(v.groups) };
  return type === FilterType.ABSOLUTE_START ? { type, start: toLocation(v.start) } : { type };
}

function rangeFilter(f: RangeFilter): Record<string, unknown> {
  const ranges = f.ranges.map(({ first, last }) => ({ first: String(first), last: String(last) }));
  return omitEmpty({ type: String(f.type), setId: f.setId, property: String(f.property), ranges });
}

function toRangeFilter(v: any): RangeFilter {
  const ranges = (v.ranges ?? []).map((r: any) => ({ first: u64(r.first), last: u64(r.last) }));
  return { type: Number(v.type), setId: v.setId, property: u64(v.property), ranges };
}

/** How a parameter is written in the vectors and read from them, by its name. Those not listed are the same in both. */
const parameterFields: Record<string, { to(v: any): unknown; from(v: any): unknown }> = {
  authTokens: { to: (t) => t.map(token), from: (t) => t.map(toToken) },
  largestObject: { to: location, from: toLocation },
  filter: { to: filter, from: toFilter },
  rangeFilters: { to: (l) => l.map(rangeFilter), from: (l) => l.map(toRangeFilter) },
  // Why is for people.
  invalidFilter: { to: () => true, from: String },
  fillParameters: { to: parameters, from: toParameters },
  newGroupRequest: { to: String, from: u64 },
  trackNamespacePrefix: { to: (n) => n.map(toHex), from: (n) => n.map(fromHex) },
};
for (const t of ["objectDeliveryTimeout", "rendezvousTimeout", "subgroupDeliveryTimeout", "expires", "fillTimeout"]) {
  parameterFields[t] = { to: millis, from: u64 };
}

function parameters(p: Parameters | FillParameters): Record<string, unknown> {
  return Object.fromEntries(Object.entries(p).map(([name, v]) => [name, parameterFields[name]?.to(v) ?? v]));
}

function toParameters(v: any): Parameters {
  return Object.fromEntries(Object.entries(v).map(([name, value]) => [name, parameterFields[name]?.from(value) ?? value]));
}

/** How a field is written in the vectors and read from them, by its name. Fields not listed are the same in both. */
const fields: Record<string, { to(v: any): unknown; from(v: any): unknown }> = {
  params: { to: parameters, from: toParameters },
  track: { to: trackName, from: toTrackName },
  trackProperties: { to: toHex, from: fromHex },
  namespace: { to: (n) => n.map(toHex), from: (n) => n.map(fromHex) },
  prefix: { to: (n) => n.map(toHex), from: (n) => n.map(fromHex) },
  suffix: { to: (n) => n.map(toHex), from: (n) => n.map(fromHex) },
  name: { to: toHex, from: fromHex },
  end: { to: location, from: toLocation },
  timeout: { to: millis, from: u64 },
  retryInterval: { to: millis, from: u64 },
  kind: { to: String, from: Number },
  authTokens: { to: (t) => t.map(token), from: (t) => t.map(toToken) },
  unknown: { to: (l) => l.map(pair), from: (l) => l.map(toPair) },
  redirect: { to: (r) => ({ uri: r.uri, track: trackName(r.track) }), from: (r) => ({ uri: r.uri, track: toTrackName(r.track) }) },
};
for (const id of ["requestId", "trackAlias", "code", "streamCount", "joiningRequestId", "joiningStart", "maxAuthTokenCacheSize", "maxRequestId", "maxFilterRanges", "maxRequestUpdates", "existingId"]) {
  fields[id] = { to: String, from: u64 };
}

const answer = { requestId: "0" };
/** What the vectors have in every message of a type. */
const defaults: Record<number, Record<string, unknown>> = {
  [MessageType.SETUP]: { server: false },
  [MessageType.FETCH]: { track: { namespace: [], name: "" }, joiningRequestId: "0", joiningStart: "0" },
  [MessageType.SUBSCRIBE_OK]: answer,
  [MessageType.FETCH_OK]: answer,
  [MessageType.REQUEST_OK]: answer,
  [MessageType.REQUEST_ERROR]: answer,
  [MessageType.PUBLISH_DONE]: answer,
  [MessageType.REQUEST_UPDATE]: { existingId: "0" },
  [MessageType.SUBSCRIBE_NAMESPACE]: { interest: 0 },
};

/** A message as the vectors write it. */
export function messageValue(m: Message): Record<string, unknown> {
  const { type, ...rest } = m;
  const v: Record<string, unknown> = {};
  for (const [name, value] of Object.entries(rest)) v[name] = fields[name] === undefined ? value : fields[name].to(value);
  if (v["trackProperties"] === "") delete v["trackProperties"];
  return { ...defaults[type], ...v };
}

/** The message that a vector describes. */
export function toMessage(name: string, value: any): Message {
  const type = (MessageType as Record<string, number>)[name];
  const m: Record<string, unknown> = { type };
  for (const [field, v] of Object.entries(value)) m[field] = fields[field] === undefined ? v : fields[field].from(v);
  if (["PUBLISH", "SUBSCRIBE_OK", "REQUEST_OK", "FETCH_OK"].includes(name)) m["trackProperties"] ??= new Uint8Array();
  if (name === "PUBLISH_BLOCKED") m["name"] ??= new Uint8Array();
  return m as unknown as Message;
}
