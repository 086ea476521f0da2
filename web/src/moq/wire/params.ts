/**
 * Message Parameters (moqt-18 §10.2): counted, ascending by type. From draft 17 on their values are typed, and unknown
 * or misplaced ones are faults; in draft 16 they are Key-Value-Pairs, and misplaced ones are ignored (moqt-16 §9.2.2).
 * Which there are is in paramtables.ts, how a block of them is read and written in paramblock.ts.
 */
import type { Reader, Writer } from "./buffer.ts";
import type { Draft } from "./draft.ts";
import { violation } from "./errors.ts";
import type { Filter, WireLocation } from "./filter.ts";
import type { Namespace } from "./names.ts";
import { readBlock, type Spec, writeBlock } from "./paramblock.ts";
import { parameterTable } from "./paramtables.ts";
import type { RangeFilter } from "./rangefilter.ts";
import type { Token } from "./token.ts";
import { MessageType, messageName } from "./types.ts";
import type { U64 } from "./u64.ts";

/** 1 ascending, 2 descending. */
export type GroupOrder = 1 | 2;

/** What FILL_PARAMETERS ask for (draft 20). What is absent is as in the subscription. */
export interface FillParameters {
  fillTimeout?: U64;
  subscriberPriority?: number;
  /** The range to fill. */
  filter?: Filter;
  groupOrder?: GroupOrder;
  rangeFilters?: RangeFilter[];
}

/** Durations are in milliseconds. */
export interface Parameters extends FillParameters {
  objectDeliveryTimeout?: U64;
  authTokens?: Token[];
  rendezvousTimeout?: U64;
  subgroupDeliveryTimeout?: U64;
  expires?: U64;
  largestObject?: WireLocation;
  forward?: boolean;
  /** Asks for objects from before the subscription (draft 20). */
  fillParameters?: FillParameters;
  newGroupRequest?: U64;
  trackNamespacePrefix?: Namespace;
  /** Whether to tell Track Properties (draft 20). */
  includeProperties?: boolean;
  /** Set by the reader alone: why a range filter must be refused with INVALID_FILTER. The session lives on. */
  invalidFilter?: string;
}

/** True if the parameter may be in some message of that type, whatever it answers or updates. */
function allowedIn(s: Spec, message: number): boolean {
  const { REQUEST_OK, REQUEST_UPDATE, PUBLISH_OK, PUBLISH } = MessageType;
  if (message === REQUEST_OK) return s.places.some((p) => typeof p === "string" && p.startsWith("ok:"));
  if (message === REQUEST_UPDATE) return s.places.some((p) => typeof p === "string" && p.startsWith("update:"));
  return s.places.includes(message === PUBLISH_OK ? `ok:${PUBLISH}` : message);
}

export function readParameters(r: Reader, message: number): Parameters {
  return readBlock(r, parameterTable(r.draft), messageName(message), (s) => allowedIn(s, message), message === MessageType.REQUEST_UPDATE);
}

/** Throws a RangeError for parameters that have no place there, but leaves out those that are only advice. */
export function writeParameters(w: Writer, message: number, p: Parameters): void {
  writeBlock(w, parameterTable(w.draft).filter((s) => allowedIn(s, message)), messageName(message), p);
}

/** Throws WireError if a parameter has no place in the REQUEST_OK that answers this type of request (moqt-18 §10.2.1). */
export function checkRequestOkParameters(p: Parameters, request: number, draft: Draft): void {
  if (draft.misplacedIgnored) return;
  for (const s of parameterTable(draft)) {
    if (p[s.field] !== undefined && !s.places.includes(`ok:${request}`)) throw violation(`parameter ${s.field} in the REQUEST_OK for ${messageName(request)}`);
  }
}
