/** The golden vectors that this client shares with the Go codec: moq/wire/testdata/vectors, described in its README. */
import { readFileSync } from "node:fs";
import { FilterType, type Filter, type Parameters, type WireLocation } from "../../src/moq/wire/params.ts";
import type { KeyValue } from "../../src/moq/wire/properties.ts";
import type { FullTrackName } from "../../src/moq/wire/names.ts";
import type { Token } from "../../src/moq/wire/token.ts";
import { type Message, MessageType } from "../../src/moq/wire/types.ts";
import { normalise, type U64 } from "../../src/moq/wire/u64.ts";

export interface Vector {
  name: string;
  hex?: string;
  decodeOnly?: boolean;
  value?: any;
  error?: string;
  [more: string]: unknown;
}

export function load(file: string): Vector[] {
  return JSON.parse(readFileSync(`../moq/wire/testdata/vectors/${file}.json`, "utf8"));
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
  return {
    type: String(f.type),
    start: "start" in f ? location(f.start) : { group: "0", object: "0" },
    endGroup: "endGroup" in f ? String(f.endGroup) : "0",
  };
}

function toFilter(v: any): Filter {
  const type = Number(v.type);
  if (type === FilterType.ABSOLUTE_RANGE) return { type, start: toLocation(v.start), endGroup: u64(v.endGroup) };
  return type === FilterType.ABSOLUTE_START ? { type, start: toLocation(v.start) } : { type: type as 1 | 2 };
}

const times = ["objectDeliveryTimeout", "rendezvousTimeout", "subgroupDeliveryTimeout", "expires", "fillTimeout"] as const;

function parameters(p: Parameters): Record<string, unknown> {
  const v: Record<string, unknown> = { authTokens: p.authTokens?.map(token), groupOrder: p.groupOrder, forward: p.forward, subscriberPriority: p.subscriberPriority };
  for (const t of times) v[t] = millis(p[t]);
  if (p.largestObject !== undefined) v["largestObject"] = location(p.largestObject);
  if (p.filter !== undefined) v["filter"] = filter(p.filter);
  if (p.newGroupRequest !== undefined) v["newGroupRequest"] = String(p.newGroupRequest);
  const rest = omitEmpty(v);
  if (p.trackNamespacePrefix !== undefined) rest["trackNamespacePrefix"] = p.trackNamespacePrefix.map(toHex);
  return rest;
}

function toParameters(v: any): Parameters {
  const p: Parameters = {};
  for (const t of times) if (v[t] !== undefined) p[t] = u64(v[t]);
  if (v.authTokens !== undefined) p.authTokens = v.authTokens.map(toToken);
  if (v.largestObject !== undefined) p.largestObject = toLocation(v.largestObject);
  if (v.forward !== undefined) p.forward = v.forward;
  if (v.subscriberPriority !== undefined) p.subscriberPriority = v.subscriberPriority;
  if (v.filter !== undefined) p.filter = toFilter(v.filter);
  if (v.groupOrder !== undefined) p.groupOrder = v.groupOrder;
  if (v.newGroupRequest !== undefined) p.newGroupRequest = u64(v.newGroupRequest);
  if (v.trackNamespacePrefix !== undefined) p.trackNamespacePrefix = v.trackNamespacePrefix.map(fromHex);
  return p;
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
  start: { to: location, from: toLocation },
  end: { to: location, from: toLocation },
  timeout: { to: millis, from: u64 },
  retryInterval: { to: millis, from: u64 },
  kind: { to: String, from: Number },
  authTokens: { to: (t) => t.map(token), from: (t) => t.map(toToken) },
  unknown: { to: (l) => l.map(pair), from: (l) => l.map(toPair) },
  redirect: { to: (r) => ({ uri: r.uri, track: trackName(r.track) }), from: (r) => ({ uri: r.uri, track: toTrackName(r.track) }) },
};
for (const id of ["requestId", "trackAlias", "code", "streamCount", "joiningRequestId", "joiningStart", "maxAuthTokenCacheSize"]) {
  fields[id] = { to: String, from: u64 };
}

/** A message as the vectors write it. */
export function messageValue(m: Message): Record<string, unknown> {
  const { type, ...rest } = m;
  const v: Record<string, unknown> = {};
  for (const [name, value] of Object.entries(rest)) v[name] = fields[name] === undefined ? value : fields[name].to(value);
  if (v["trackProperties"] === "") delete v["trackProperties"];
  // A name is text of any length in PUBLISH_BLOCKED and may be empty.
  if (type === MessageType.FETCH) {
    const none = { group: "0", object: "0" };
    return { track: { namespace: [], name: "" }, start: none, end: none, joiningRequestId: "0", joiningStart: "0", ...v };
  }
  return v;
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
