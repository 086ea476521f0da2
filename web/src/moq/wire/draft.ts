/**
 * What the drafts of MOQT do differently from each other. Everything in this folder and above that depends on the
 * draft of a session reads it from here.
 *
 * The published texts of drafts 20 to 22 were not at hand: 20 is written from the working copy of 2026-08-21 and the
 * change that introduced FILL_PARAMETERS, 22 from what other implementations say about it.
 */
import { rfc9000, type VarintForm, vi64 } from "./varint.ts";

/** The first and the last draft that have something. */
type Span = readonly [first: number, last: number];

/** Further than any draft. */
const ON = Infinity;

const features = {
  /** Requests and their answers share one bidirectional control stream (moqt-16 §9). Later each has a stream. */
  controlStream: [0, 16],
  /** FETCH has a type and may join a subscription (moqt-18 §10.12.2). */
  joiningFetch: [0, 19],
  /** FILL_PARAMETERS of a subscription ask for the past, and a FETCH is one LOCATION_FILTER (draft 20). */
  fill: [20, ON],
  /** PUBLISH_STATE_NOTIFY (draft 20). */
  stateNotify: [20, ON],
  /** The end of a subscription's filter is told as the difference to its start (moqt-18 §5.1.2), not as it is. */
  filterDelta: [17, ON],
  /** A track namespace may have no fields (moqt-18 §2.4.1); before, prefixes and suffixes only (moqt-16 §2.4.1). */
  emptyNamespace: [18, ON],
  /** Message Parameters in a message that they do not belong in are ignored (moqt-16 §9.2.2); later they are faults. */
  misplacedIgnored: [0, 16],
  /** Parameters 0x25 to 0x29 (moqt-19 §5.1.3). */
  rangeFilters: [19, ON],
  /** MAX_REQUEST_UPDATES (moqt-19 §10.3.1.7). */
  requestUpdateLimit: [19, ON],
  /** Several subscriptions of one track in a session, which may share an alias (moqt-19 §5.1). */
  sharedTracks: [19, ON],
  /** GOAWAY on the control stream names the first Request ID that was not processed (moqt-18 §10.4). */
  goawayRequestId: [18, 18],
  /** GOAWAY says how long the sender waits (moqt-18 §10.4). */
  goawayTimeout: [18, ON],
  /** SUBSCRIBE_TRACKS is a message of its own (moqt-18 §10.19). Draft 16 has options in SUBSCRIBE_NAMESPACE. */
  subscribeTracks: [18, ON],
  /** REQUEST_ERROR may say where to ask (moqt-18 §10.6.1). */
  redirect: [18, ON],
  /** REQUEST_OK carries Track Properties (moqt-18 §10.5). */
  requestOkProperties: [18, ON],
  /** The bit FIRST_OBJECT of subgroup streams (moqt-18 §11.4.2). */
  firstObject: [18, ON],
  /** Padding on streams and in datagrams (moqt-18 §11.5). */
  padding: [17, ON],
  /** Fetch streams have differences of Group and Object IDs (moqt-18 §11.4.4.1), before the IDs themselves. */
  fetchDeltas: [18, ON],
  /** Fetch streams have the marker 0x20C (draft 20). */
  timedOutRange: [20, ON],
  /** A track may say that it has no delivery timeout (moqt-18 §12.2); before, 0 is a fault (moqt-16 §11.0.0.1). */
  noDeliveryTimeout: [18, ON],
  /** An unknown property in the range 0x4000 to 0x7FFF forbids to use the track (moqt-18 §2.5.1). */
  mandatoryProperties: [18, ON],
} as const satisfies Record<string, Span>;

export type Feature = keyof typeof features;

/** One draft. Compare by identity: there is one object for each. */
export type Draft = Readonly<Record<Feature, boolean>> & {
  /** 18 for draft-ietf-moq-transport-18. */
  readonly number: number;
  /** Its token in WT-Available-Protocols, "moqt-18" (moqt-18 §3.1.3). */
  readonly protocol: string;
  readonly varint: VarintForm;
};

function draft(number: number, varint: VarintForm): Draft {
  const has = (span: Span) => span[0] <= number && number <= span[1];
  const flags = Object.fromEntries(Object.entries(features).map(([name, span]) => [name, has(span)])) as Record<Feature, boolean>;
  return { number, protocol: `moqt-${number}`, varint, ...flags };
}

export const DRAFT_18 = draft(18, vi64);
export const DRAFT_16 = draft(16, rfc9000);
export const DRAFT_22 = draft(22, vi64);

/** What this client speaks, preferred first. */
export const DRAFTS: readonly Draft[] = [DRAFT_18, DRAFT_16, DRAFT_22];

/** Above the codec all properties are in the form that this draft and the later ones have on the wire. */
export const CANONICAL = DRAFT_18;
