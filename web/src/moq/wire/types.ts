/** Control messages as values (moqt-18 §10). Durations are in milliseconds; properties are kept as received. */
import type { FullTrackName, Namespace } from "./names.ts";
import type { Parameters, WireLocation } from "./params.ts";
import type { KeyValue } from "./properties.ts";
import type { Token } from "./token.ts";
import type { U64 } from "./u64.ts";

/**
 * Types of control messages. PUBLISH_OK is a REQUEST_OK: the 0x1E still listed in moqt-18 §10 is a remnant that
 * nobody sends.
 */
export const MessageType = {
  REQUEST_UPDATE: 0x2,
  SUBSCRIBE: 0x3,
  SUBSCRIBE_OK: 0x4,
  REQUEST_ERROR: 0x5,
  PUBLISH_NAMESPACE: 0x6,
  REQUEST_OK: 0x7,
  NAMESPACE: 0x8,
  PUBLISH_DONE: 0xb,
  TRACK_STATUS: 0xd,
  NAMESPACE_DONE: 0xe,
  PUBLISH_BLOCKED: 0xf,
  GOAWAY: 0x10,
  FETCH: 0x16,
  FETCH_OK: 0x18,
  PUBLISH: 0x1d,
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
  path?: string;
  authority?: string;
  implementation?: string;
  /** Bytes; absent means 0, no aliases. */
  maxAuthTokenCacheSize?: U64;
  authTokens?: Token[];
  /** Options this client does not know, in order, repeats included. */
  unknown?: KeyValue[];
}

export interface Goaway {
  type: Types["GOAWAY"];
  uri: string;
  timeout: U64;
  /** Only on the control stream. */
  requestId?: U64;
}

export interface RequestOk {
  type: Types["REQUEST_OK"];
  params: Parameters;
  /** Empty but in the answer to TRACK_STATUS. */
  trackProperties: Uint8Array;
}

export interface WireRedirect {
  uri: string;
  track: FullTrackName;
}

export interface RequestErr {
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

export interface SubscribeOk {
  type: Types["SUBSCRIBE_OK"];
  trackAlias: U64;
  params: Parameters;
  trackProperties: Uint8Array;
}

export interface RequestUpdate {
  type: Types["REQUEST_UPDATE"];
  requestId: U64;
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

/** streamCount of a publisher that did not count. */
export const UNKNOWN_STREAM_COUNT = (1n << 62n) - 1n;

export interface PublishDone {
  type: Types["PUBLISH_DONE"];
  code: U64;
  streamCount: U64;
  reason: string;
}

export const FetchKind = { STANDALONE: 1, RELATIVE_JOINING: 2, ABSOLUTE_JOINING: 3 } as const;

/** end is as on the wire: the last object plus one, object 0 for the whole group. */
export type Fetch = { type: Types["FETCH"]; requestId: U64; params: Parameters } & (
  | { kind: 1; track: FullTrackName; start: WireLocation; end: WireLocation }
  | { kind: 2 | 3; joiningRequestId: U64; joiningStart: U64 }
);

export interface FetchOk {
  type: Types["FETCH_OK"];
  endOfTrack: boolean;
  /** As in Fetch. */
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

export interface SubscribeNamespace {
  type: Types["SUBSCRIBE_NAMESPACE"];
  requestId: U64;
  prefix: Namespace;
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
  | PublishBlocked;
