/** Encoding and decoding of control messages: type, 16-bit length, payload (moqt-18 §10). */
import { RequestError } from "../errors.ts";
import { Reader, Writer } from "./buffer.ts";
import { publishDoneNumbers, requestErrorNumbers } from "./codes.ts";
import type { Draft } from "./draft.ts";
import { ShortInput, violation, WireError } from "./errors.ts";
import { readFetchEnd, readFetchRange, writeFetchEnd, writeFetchRange } from "./filter.ts";
import { messageNumber, messageOf } from "./messagetypes.ts";
import { readFullTrackName, readNamespace, readTrackNamespace, writeFullTrackName, writeNamespace, writeTrackNamespace } from "./names.ts";
import { readParameters, writeParameters } from "./params.ts";
import { checkDeliveryTimeout, parseKeyValues, toCanonical, trackFromCanonical } from "./properties.ts";
import { readSetup, writeSetup } from "./setup.ts";
import {
  FetchKind, type Fetch, type Goaway, type Message, MessageType, messageName, NamespaceInterest, type RequestErr, type SubscribeNamespace, type SubscribeTracks,
  UNKNOWN_STREAM_COUNT,
} from "./types.ts";
import { subtract, type U64, add } from "./u64.ts";

export const MAX_MESSAGE_PAYLOAD = 0xffff;
const MAX_REASON_PHRASE = 1024; // moqt-18 §1.4.4
const MAX_GOAWAY_URI = 8192; // moqt-18 §10.4

function text(r: Reader, what: string, limit: number): string {
  return new TextDecoder("utf-8", { ignoreBOM: true }).decode(r.prefixed(what, limit));
}

function writeText(w: Writer, what: string, s: string, limit: number): void {
  const b = new TextEncoder().encode(s);
  if (b.length > limit) throw new RangeError(`${what} has ${b.length} bytes, the limit is ${limit}`);
  w.prefixed(b);
}

/** The whole frame. Throws a RangeError if the draft does not have the message or something in it, or limits it. */
export function encodeMessage(m: Message, draft: Draft): Uint8Array {
  const payload = new Writer(draft);
  writePayload(payload, m);
  if (payload.length > MAX_MESSAGE_PAYLOAD) throw new RangeError(`${messageName(m.type)} has ${payload.length} bytes, the limit is ${MAX_MESSAGE_PAYLOAD}`);
  return new Writer(draft).varint(messageNumber(m, draft)).uint16(payload.length).raw(payload.bytes()).bytes();
}

function writePayload(w: Writer, m: Message): void {
  switch (m.type) {
    case MessageType.SETUP:
      return writeSetup(w, m);
    case MessageType.GOAWAY:
      writeText(w, "new session URI", m.uri, MAX_GOAWAY_URI);
      if (w.draft.goawayTimeout) w.varint(m.timeout);
      if (m.requestId !== undefined && w.draft.goawayRequestId) w.varint(m.requestId);
      return;
    case MessageType.SUBSCRIBE:
    case MessageType.TRACK_STATUS:
      w.varint(m.requestId);
      writeFullTrackName(w, m.track);
      return writeParameters(w, m.type, m.params);
    case MessageType.PUBLISH:
      w.varint(m.requestId);
      writeFullTrackName(w, m.track);
      w.varint(m.trackAlias);
      writeParameters(w, m.type, m.params);
      return writeTrackProperties(w, m.trackProperties);
    case MessageType.SUBSCRIBE_OK:
      writeAnswered(w, m);
      w.varint(m.trackAlias);
      writeParameters(w, m.type, m.params);
      return writeTrackProperties(w, m.trackProperties);
    case MessageType.REQUEST_OK:
      writeAnswered(w, m);
      writeParameters(w, m.type, m.params);
      if (w.draft.requestOkProperties) writeTrackProperties(w, m.trackProperties);
      return;
    case MessageType.REQUEST_ERROR:
      return writeRequestError(w, m);
    case MessageType.REQUEST_UPDATE:
      w.varint(m.requestId);
      if (w.draft.controlStream) w.varint(m.existingId ?? 0);
      return writeParameters(w, m.type, m.params);
    case MessageType.PUBLISH_DONE:
      writeAnswered(w, m);
      w.varint(publishDoneNumbers(w.draft).number(m.code));
      w.varint(m.streamCount === UNKNOWN_STREAM_COUNT ? unknownStreamCount(w.draft) : m.streamCount);
      return writeText(w, "reason phrase", m.reason, MAX_REASON_PHRASE);
    case MessageType.FETCH:
      return writeFetch(w, m);
    case MessageType.FETCH_OK:
      writeAnswered(w, m);
      w.uint8(m.endOfTrack ? 1 : 0);
      writeFetchEnd(w, m.end);
      writeParameters(w, m.type, m.params);
      return writeTrackProperties(w, m.trackProperties);
    case MessageType.PUBLISH_NAMESPACE:
      w.varint(m.requestId);
      writeTrackNamespace(w, m.namespace);
      return writeParameters(w, m.type, m.params);
    case MessageType.SUBSCRIBE_NAMESPACE:
    case MessageType.SUBSCRIBE_TRACKS:
      return writeSubscribeNamespace(w, m);
    case MessageType.NAMESPACE:
    case MessageType.NAMESPACE_DONE:
      return writeNamespace(w, m.suffix);
    case MessageType.PUBLISH_BLOCKED:
      return writeFullTrackName(w, { namespace: m.suffix, name: m.name });
    case MessageType.PUBLISH_STATE_NOTIFY:
      return writeParameters(w, m.type, m.params);
    case MessageType.UNSUBSCRIBE:
    case MessageType.FETCH_CANCEL:
    case MessageType.PUBLISH_NAMESPACE_DONE:
    case MessageType.MAX_REQUEST_ID:
      w.varint(m.requestId);
      return;
    case MessageType.REQUESTS_BLOCKED:
      w.varint(m.maxRequestId);
      return;
    case MessageType.PUBLISH_NAMESPACE_CANCEL:
      w.varint(m.requestId).varint(requestErrorNumbers(w.draft).number(m.code));
      return writeText(w, "reason phrase", m.reason, MAX_REASON_PHRASE);
    case MessageType.PUBLISH_OK:
      w.varint(m.requestId);
      return writeParameters(w, m.type, m.params);
  }
}

/** The Request ID of an answer, which draft 16 alone has. */
function writeAnswered(w: Writer, m: { requestId?: U64 }): void {
  if (w.draft.controlStream) w.varint(m.requestId ?? 0);
}

function readAnswered(r: Reader): { requestId?: U64 } {
  return r.draft.controlStream ? { requestId: r.varint() } : {};
}

/** What PUBLISH_DONE has for a count that is not known (moqt-18 §10.11; draft 20). */
function unknownStreamCount(d: Draft): U64 {
  return d.fill ? UNKNOWN_STREAM_COUNT : (1n << 62n) - 1n;
}

function writeRequestError(w: Writer, m: RequestErr): void {
  if ((m.code === RequestError.REDIRECT) !== (m.redirect !== undefined)) throw new RangeError("a redirect goes with the code REDIRECT and no other");
  const retry = m.retryInterval === undefined ? 0 : add(m.retryInterval, 1);
  if (retry === undefined) throw new RangeError("retry interval is too long");
  writeAnswered(w, m);
  w.varint(requestErrorNumbers(w.draft).number(m.code)).varint(retry);
  writeText(w, "reason phrase", m.reason, MAX_REASON_PHRASE);
  if (m.redirect !== undefined && w.draft.redirect) {
    writeText(w, "connect URI", m.redirect.uri, MAX_MESSAGE_PAYLOAD);
    writeFullTrackName(w, m.redirect.track);
  }
}

function writeFetch(w: Writer, m: Fetch): void {
  w.varint(m.requestId);
  if (w.draft.joiningFetch) w.varint(m.kind);
  else if (m.kind !== FetchKind.STANDALONE) throw new RangeError(`draft ${w.draft.number} joins with FILL_PARAMETERS`);
  if (m.kind !== FetchKind.STANDALONE) {
    w.varint(m.joiningRequestId).varint(m.joiningStart);
    return writeParameters(w, m.type, m.params);
  }
  writeFullTrackName(w, m.track);
  if (!w.draft.joiningFetch) return writeParameters(w, m.type, m.params);
  const { filter, ...params } = m.params;
  writeFetchRange(w, filter);
  writeParameters(w, m.type, params);
}

/** What draft 16 has for each NamespaceInterest (moqt-16 §9.25). */
const subscribeOptions = { [NamespaceInterest.NAMESPACES]: 1, [NamespaceInterest.TRACKS]: 0, [NamespaceInterest.BOTH]: 2 };

function writeSubscribeNamespace(w: Writer, m: SubscribeNamespace | SubscribeTracks): void {
  w.varint(m.requestId);
  writeNamespace(w, m.prefix);
  const interest = m.type === MessageType.SUBSCRIBE_TRACKS ? NamespaceInterest.TRACKS : (m.interest ?? NamespaceInterest.NAMESPACES);
  if (w.draft.subscribeTracks) {
    if (m.type === MessageType.SUBSCRIBE_NAMESPACE && interest !== NamespaceInterest.NAMESPACES) throw new RangeError("this draft asks for tracks with SUBSCRIBE_TRACKS");
    return writeParameters(w, m.type, m.params);
  }
  w.varint(subscribeOptions[interest as 0 | 1 | 2]);
  writeParameters(w, MessageType.SUBSCRIBE_NAMESPACE, m.params);
}

/**
 * Reads the payload of a message. It shares no memory with the payload. Throws WireError: a payload that is too
 * short or too long for its fields is a PROTOCOL_VIOLATION (moqt-18 §10).
 */
function parseMessage({ type, server }: { type: number; server?: boolean }, payload: Uint8Array, draft: Draft): Message {
  const r = new Reader(payload, draft);
  try {
    const m = readPayload(r, type);
    if (m.type === MessageType.SETUP && server === true) m.server = true;
    if (r.remaining > 0) throw violation(`${r.remaining} bytes after the last field`);
    return m;
  } catch (e) {
    if (e instanceof ShortInput) throw violation(`${messageName(type)}: payload ends inside a field`);
    if (e instanceof WireError) throw new WireError(e.code, `${messageName(type)}: ${e.message}`);
    throw e;
  }
}

/** Reads one frame. Throws SHORT until it is complete, but refuses an unknown type as soon as the type is there. */
export function decodeMessage(r: Reader): Message {
  const start = r.offset;
  try {
    const number = r.varint();
    const known = messageOf(number, r.draft);
    if (known === undefined) throw violation(`unknown message type 0x${number.toString(16)}`);
    return parseMessage(known, r.take(r.uint16()), r.draft);
  } catch (e) {
    r.offset = start;
    throw e;
  }
}

function readPayload(r: Reader, type: number): Message {
  switch (type) {
    case MessageType.SETUP:
      return readSetup(r);
    case MessageType.GOAWAY: {
      const m: Goaway = { type, uri: text(r, "new session URI", MAX_GOAWAY_URI), timeout: r.draft.goawayTimeout ? r.varint() : 0 };
      if (r.remaining > 0 && r.draft.goawayRequestId) m.requestId = r.varint();
      return m;
    }
    case MessageType.SUBSCRIBE:
    case MessageType.TRACK_STATUS:
      return { type, requestId: r.varint(), track: readFullTrackName(r), params: readParameters(r, type) };
    case MessageType.PUBLISH:
      return { type, requestId: r.varint(), track: readFullTrackName(r), trackAlias: r.varint(), params: readParameters(r, type), trackProperties: trackProperties(r) };
    case MessageType.SUBSCRIBE_OK:
      return { type, ...readAnswered(r), trackAlias: r.varint(), params: readParameters(r, type), trackProperties: trackProperties(r) };
    case MessageType.REQUEST_OK:
      return { type, ...readAnswered(r), params: readParameters(r, type), trackProperties: r.draft.requestOkProperties ? trackProperties(r) : new Uint8Array() };
    case MessageType.REQUEST_ERROR:
      return readRequestError(r);
    case MessageType.REQUEST_UPDATE:
      return { type, requestId: r.varint(), ...(r.draft.controlStream ? { existingId: r.varint() } : {}), params: readParameters(r, type) };
    case MessageType.PUBLISH_DONE: {
      const answered = readAnswered(r);
      const code = publishDoneNumbers(r.draft).code(r.varint());
      const count = r.varint();
      const streamCount = count === unknownStreamCount(r.draft) ? UNKNOWN_STREAM_COUNT : count;
      return { type, ...answered, code, streamCount, reason: text(r, "reason phrase", MAX_REASON_PHRASE) };
    }
    case MessageType.FETCH:
      return readFetch(r);
    case MessageType.FETCH_OK: {
      const answered = readAnswered(r);
      const endOfTrack = r.uint8();
      if (endOfTrack > 1) throw violation(`end of track ${endOfTrack} is neither 0 nor 1`);
      return { type, ...answered, endOfTrack: endOfTrack === 1, end: readFetchEnd(r), params: readParameters(r, type), trackProperties: trackProperties(r) };
    }
    case MessageType.PUBLISH_NAMESPACE:
      return { type, requestId: r.varint(), namespace: readTrackNamespace(r), params: readParameters(r, type) };
    case MessageType.SUBSCRIBE_NAMESPACE: {
      const m: SubscribeNamespace = { type, requestId: r.varint(), prefix: readNamespace(r), params: {} };
      if (!r.draft.subscribeTracks) m.interest = readInterest(r);
      m.params = readParameters(r, type);
      return m;
    }
    case MessageType.SUBSCRIBE_TRACKS:
      return { type, requestId: r.varint(), prefix: readNamespace(r), params: readParameters(r, type) };
    case MessageType.NAMESPACE:
    case MessageType.NAMESPACE_DONE:
      return { type, suffix: readNamespace(r) };
    case MessageType.PUBLISH_BLOCKED: {
      const { namespace, name } = readFullTrackName(r);
      return { type, suffix: namespace, name };
    }
    case MessageType.PUBLISH_STATE_NOTIFY:
      return { type, params: readParameters(r, type) };
    case MessageType.UNSUBSCRIBE:
    case MessageType.FETCH_CANCEL:
    case MessageType.PUBLISH_NAMESPACE_DONE:
    case MessageType.MAX_REQUEST_ID:
      return { type, requestId: r.varint() };
    case MessageType.REQUESTS_BLOCKED:
      return { type, maxRequestId: r.varint() };
    case MessageType.PUBLISH_NAMESPACE_CANCEL:
      return { type, requestId: r.varint(), code: requestErrorNumbers(r.draft).code(r.varint()), reason: text(r, "reason phrase", MAX_REASON_PHRASE) };
    case MessageType.PUBLISH_OK:
      return { type, requestId: r.varint(), params: readParameters(r, type) };
    default:
      throw violation(`unknown message type ${messageName(type)}`);
  }
}

function writeTrackProperties(w: Writer, block: Uint8Array): void {
  w.raw(trackFromCanonical(block, w.draft));
}

/** The rest of the message, whose framing is checked; in canonical form and otherwise as it is. */
function trackProperties(r: Reader): Uint8Array {
  const block = toCanonical(r.rest().slice(), r.draft);
  checkDeliveryTimeout(parseKeyValues(block), r.draft);
  return block;
}

function readInterest(r: Reader): number {
  const option = r.varint();
  const found = Object.entries(subscribeOptions).find(([, number]) => number === option);
  if (found === undefined) throw violation(`subscribe option ${option} does not exist`);
  return Number(found[0]);
}

function readRequestError(r: Reader): RequestErr {
  const answered = readAnswered(r);
  const m: RequestErr = { type: MessageType.REQUEST_ERROR, ...answered, code: requestErrorNumbers(r.draft).code(r.varint()), reason: "" };
  const retry = subtract(r.varint(), 1);
  if (retry !== undefined) m.retryInterval = retry;
  m.reason = text(r, "reason phrase", MAX_REASON_PHRASE);
  if (m.code === RequestError.REDIRECT) m.redirect = { uri: text(r, "connect URI", MAX_MESSAGE_PAYLOAD), track: readFullTrackName(r) };
  return m;
}

function readFetch(r: Reader): Fetch {
  const type = MessageType.FETCH;
  const requestId = r.varint();
  if (!r.draft.joiningFetch) return { type, requestId, kind: FetchKind.STANDALONE, track: readFullTrackName(r), params: readParameters(r, type) };
  const kind = r.varint();
  switch (kind) {
    case FetchKind.STANDALONE: {
      const track = readFullTrackName(r);
      const filter = readFetchRange(r);
      return { type, requestId, kind, track, params: { ...readParameters(r, type), filter } };
    }
    case FetchKind.RELATIVE_JOINING:
    case FetchKind.ABSOLUTE_JOINING:
      return { type, requestId, kind, joiningRequestId: r.varint(), joiningStart: r.varint(), params: readParameters(r, type) };
    default:
      throw violation(`fetch type ${kind} does not exist`);
  }
}
