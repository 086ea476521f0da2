/**
 * Control messages as values (moqt-18 §10), the same for every draft. Durations are in milliseconds; properties are in
 * canonical form. A requestId that is optional is on the wire in draft 16 alone, which has no streams of requests.
 */
import type { FullTrackName, Namespace } from "./names.ts";
import type { WireLocation } from "./filter.ts";
import type { Parameters } from "./params.ts";
import type { KeyValue } from "./properties.ts";
import type { Token } from "./token.ts";
import { MAX_U64, type U64 } from "./u64.ts";

/**
 * Types of control messages, with the numbers of draft 18 where it has them. The codec translates the two that draft
 * 16 numbers otherwise, and refuses those that a draft lacks: the PUBLISH_OK still listed in moqt-18 §10 is a remnant
 * that nobody sends, REQUEST_OK took its place.
 */
export const MessageType = {
  REQUEST_UPDATE: 0x2,
  SUBSCRIBE: 0x3,
  SUBSCRIBE_OK: 0x4,
  REQUEST_ERROR: 0x5,
  PUBLISH_NAMESPACE: 0x6,
  REQUEST_OK: 0x7,
  NAMESPACE: 0x8,
  PUBLISH_NAMESPACE_DONE: 0x9,
  UNSUBSCRIBE: 0xa,
  PUBLISH_DONE: 0xb,
  PUBLISH_NAMESPACE_CANCEL: 0xc,
  TRACK_STATUS: 0xd,
  NAMESPACE_DONE: 0xe,
  PUBLISH_BLOCKED: 0xf,
  GOAWAY: 0x10,
  MAX_REQUEST_ID: 0x15,
  FETCH: 0x16,
  FETCH_CANCEL: 0x17,
  FETCH_OK: 0x18,
  REQUESTS_BLOCKED: 0x1a,
  PUBLISH: 0x1d,
  PUBLISH_OK: 0x1e,
  PUBLISH_STATE_NOTIFY: 0x22,
  SUBSCRIBE_NAMESPACE: 0x50,
  SUBSCRIBE_TRACKS: 0x51,
  SETUP: 0x2f00,
} as const;

type Types = typeof MessageType;

/** The draft's name of a message type, or its number. */
export function messageName(type: U64): string {
  const found = Object.entries(MessageType).find(([, value]) => value === type);
  return found === undefined ? "0x" + type.toString(16) : found[0];
}

export interface Setup {
  type: Types["SETUP"];
  /** It is a SERVER_SETUP; told in draft 16 alone. */
  server?: boolean;
  path?: string;
  authority?: string;
  implementation?: string;
  /** Bytes; absent means 0, no aliases. */
  maxAuthTokenCacheSize?: U64;
  /** The smallest Request ID that the peer must not use; absent means 0. Draft 16 alone. */
  maxRequestId?: U64;
  /** How many ranges the filters of a request may have together; absent means 0 (draft 19). */
  maxFilterRanges?: U64;
  /** How many REQUEST_UPDATEs of a request may be unanswered; absent or 0 means any number (draft 19). */
  maxRequestUpdates?: U64;
  authTokens?: Token[];
  /** Options this client does not know, in order, repeats included. */
  unknown?: KeyValue[];
}

export interface Goaway {
  type: Types["GOAWAY"];
  uri: string;
  /** 0 in draft 16, which does not send it. */
  timeout: U64;
  /** Only on the control stream, in draft 18 alone. */
  requestId?: U64;
}

/** Answers in draft 16 name the request. */
interface Answer {
  requestId?: U64;
}

export interface RequestOk extends Answer {
  type: Types["REQUEST_OK"];
  params: Parameters;
  /** Empty but in the answer to TRACK_STATUS; draft 16 does not have it. */
  trackProperties: Uint8Array;
}

export interface WireRedirect {
  uri: string;
  track: FullTrackName;
}

export interface RequestErr extends Answer {
  type: Types["REQUEST_ERROR"];
  code: U64;
  /** Absent: do not try again. */
  retryInterval?: U64;
  reason: string;
  /** Present exactly if code is REDIRECT. */
  redirect?: WireRedirect;
}

export interface Subscribe {
  type: Types["SUBSCRIBE"];
  requestId: U64;
  track: FullTrackName;
  params: Parameters;
}

export interface TrackStatus {
  type: Types["TRACK_STATUS"];
  requestId: U64;
  track: FullTrackName;
  params: Parameters;
}

export interface SubscribeOk extends Answer {
  type: Types["SUBSCRIBE_OK"];
  trackAlias: U64;
  params: Parameters;
  trackProperties: Uint8Array;
}

export interface RequestUpdate {
  type: Types["REQUEST_UPDATE"];
  requestId: U64;
  /** The request that is updated; on the wire in draft 16 alone. */
  existingId?: U64;
  params: Parameters;
}

export interface Publish {
  type: Types["PUBLISH"];
  requestId: U64;
  track: FullTrackName;
  trackAlias: U64;
  params: Parameters;
  trackProperties: Uint8Array;
}

/** streamCount of a publisher that did not count. The codec knows what each draft has for it. */
export const UNKNOWN_STREAM_COUNT = MAX_U64;

export interface PublishDone extends Answer {
  type: Types["PUBLISH_DONE"];
  code: U64;
  streamCount: U64;
  reason: string;
}

export const FetchKind = { STANDALONE: 1, RELATIVE_JOINING: 2, ABSOLUTE_JOINING: 3 } as const;

/**
 * What a standalone fetch asks for is params.filter: up to draft 19 an ABSOLUTE_RANGE, later any filter or none, which
 * is the whole track. From draft 20 on there are no other kinds.
 */
export type Fetch = { type: Types["FETCH"]; requestId: U64; params: Parameters } & (
  | { kind: 1; track: FullTrackName }
  | { kind: 2 | 3; joiningRequestId: U64; joiningStart: U64 }
);

export interface FetchOk extends Answer {
  type: Types["FETCH_OK"];
  endOfTrack: boolean;
  /** The last location, object MAX_U64 for the whole group. */
  end: WireLocation;
  params: Parameters;
  trackProperties: Uint8Array;
}

export interface PublishNamespace {
  type: Types["PUBLISH_NAMESPACE"];
  requestId: U64;
  namespace: Namespace;
  params: Parameters;
}

export interface NamespaceMessage {
  type: Types["NAMESPACE"];
  suffix: Namespace;
}

export interface NamespaceDone {
  type: Types["NAMESPACE_DONE"];
  suffix: Namespace;
}

/** What a SUBSCRIBE_NAMESPACE of draft 16 asks for (moqt-16 §9.25): NAMESPACE messages, PUBLISH messages, or both. */
export const NamespaceInterest = { NAMESPACES: 0, TRACKS: 1, BOTH: 2 } as const;

export interface SubscribeNamespace {
  type: Types["SUBSCRIBE_NAMESPACE"];
  requestId: U64;
  prefix: Namespace;
  /** A NamespaceInterest; absent means NAMESPACES, which is all that later drafts have. */
  interest?: number;
  params: Parameters;
}

export interface SubscribeTracks {
  type: Types["SUBSCRIBE_TRACKS"];
  requestId: U64;
  prefix: Namespace;
  params: Parameters;
}

export interface PublishBlocked {
  type: Types["PUBLISH_BLOCKED"];
  suffix: Namespace;
  name: Uint8Array;
}

/** PUBLISH_STATE_NOTIFY: the publisher tells what changed in a subscription (draft 20). It is not answered. */
export interface StateNotify {
  type: Types["PUBLISH_STATE_NOTIFY"];
  params: Parameters;
}

/** The messages of draft 16 that only name a request, or the limit of their number (moqt-16 §9). */
export interface RequestNote {
  type: Types["UNSUBSCRIBE"] | Types["FETCH_CANCEL"] | Types["PUBLISH_NAMESPACE_DONE"] | Types["MAX_REQUEST_ID"];
  requestId: U64;
}

export interface RequestsBlocked {
  type: Types["REQUESTS_BLOCKED"];
  maxRequestId: U64;
}

export interface PublishNamespaceCancel {
  type: Types["PUBLISH_NAMESPACE_CANCEL"];
  requestId: U64;
  code: U64;
  reason: string;
}

export interface PublishOk {
  type: Types["PUBLISH_OK"];
  requestId: U64;
  params: Parameters;
}

/** Messages that begin a request stream (moqt-18 §3.3). */
export type Request = TrackStatus | Subscribe | Publish | Fetch | PublishNamespace | SubscribeNamespace | SubscribeTracks;

export type Message =
  | Request
  | Setup
  | Goaway
  | RequestOk
  | RequestErr
  | SubscribeOk
  | RequestUpdate
  | PublishDone
  | FetchOk
  | NamespaceMessage
  | NamespaceDone
  | PublishBlocked
  | StateNotify
  | RequestNote
  | RequestsBlocked
  | PublishNamespaceCancel
  | PublishOk;
