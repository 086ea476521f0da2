/** From the wire's objects to those of the interface. */
import { MoqError, RequestError, SessionError } from "./errors.ts";
import type { MoqObject, Property } from "./types.ts";
import type { Draft } from "./wire/draft.ts";
import { WireError } from "./wire/errors.ts";
import { flattenImmutable, type KeyValue, parseKeyValues, type TrackInfo } from "./wire/properties.ts";
import type { U64 } from "./wire/u64.ts";

/** The track breaks a rule of moqt-18 §2.4.2; the session lives on. */
export class MalformedTrack extends Error {
  override readonly name = "MalformedTrack";
}

/** IDs are numbers in this client. Throws WireError for what a number cannot hold exactly. */
export function safeId(v: U64, what: string): number {
  if (typeof v === "number") return v;
  throw new WireError(SessionError.INTERNAL_ERROR, `${what} ${v} is above 2^53-1, which this client cannot handle`);
}

/** Pairs as the application sees them. Throws MalformedTrack if Immutable Properties are broken. */
export function toProperties(pairs: readonly KeyValue[]): Property[] {
  const flat = flattenImmutable(pairs);
  if (flat === undefined) throw new MalformedTrack("Immutable Properties that cannot be read");
  const properties: Property[] = [];
  for (const { type, value } of flat) {
    if (typeof type === "number") properties.push({ type, value: value instanceof Uint8Array ? value.slice() : value });
  }
  return properties;
}

/** Why the track cannot be used: a property that must be understood and is not (moqt-18 §2.5.1). */
export function unusable(info: TrackInfo, draft: Draft): MoqError | undefined {
  if (info.unknownMandatory === undefined || !draft.mandatoryProperties) return undefined;
  return new MoqError("request", RequestError.UNSUPPORTED_EXTENSION, `the track needs the extension 0x${info.unknownMandatory.toString(16)}`);
}

export interface ObjectParts {
  group: number;
  subgroup: U64;
  id: U64;
  priority: number;
  status: number;
  /** Canonical block of key-value pairs. */
  properties: Uint8Array;
  payload: Uint8Array;
  at: number;
}

/** Throws WireError for framing faults and MalformedTrack for others. */
export function toObject(p: ObjectParts, draft: Draft): MoqObject {
  const pairs = parseKeyValues(p.properties);
  const mandatory = draft.mandatoryProperties ? pairs.find((kv) => kv.type >= 0x4000 && kv.type <= 0x7fff) : undefined;
  // moqt-18 §2.5.1
  if (mandatory !== undefined) throw new MalformedTrack(`Mandatory Track Property 0x${mandatory.type.toString(16)} on an object`);
  return {
    group: p.group,
    subgroup: safeId(p.subgroup, "subgroup ID"),
    object: safeId(p.id, "object ID"),
    priority: p.priority,
    status: p.status,
    properties: toProperties(pairs),
    payload: p.payload,
    arrivedAt: p.at,
  };
}
