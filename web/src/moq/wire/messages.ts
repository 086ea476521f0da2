/** Encoding and decoding of control messages: type, 16-bit length, payload (moqt-18 §10). */
import { RequestError } from "../errors.ts";
import { Reader, Writer } from "./buffer.ts";
import { ShortInput, violation, WireError } from "./errors.ts";
import { readFullTrackName, readNamespace, writeFullTrackName, writeNamespace } from "./names.ts";
import { readLocation, readParameters, writeLocation, writeParameters } from "./params.ts";
import { parseKeyValues } from "./properties.ts";
import { readSetup, writeSetup } from "./setup.ts";
import { FetchKind, type Fetch, type Goaway, type Message, MessageType, messageName, type RequestErr } from "./types.ts";
import { subtract, type U64, add } from "./u64.ts";

export const MAX_MESSAGE_PAYLOAD = 0xffff;
const MAX_REASON_PHRASE = 1024; // moqt-18 §1.4.4
const MAX_GOAWAY_URI = 8192; // moqt-18 §10.4

const knownTypes = new Set<U64>(Object.values(MessageType));

function text(r: Reader, what: string, limit: number): string {
  return new TextDecoder("utf-8", { ignoreBOM: true }).decode(r.prefixed(what, limit));
}

function writeText(w: Writer, what: string, s: string, limit: number): void {
  const b = new TextEncoder().encode(s);
  if (b.length > limit) throw new RangeError(`${what} has ${b.length} bytes, the limit is ${limit}`);
  w.prefixed(b);
}

/** The whole frame. Throws a RangeError if m exceeds a limit of the draft or has a parameter that does not belong in it. */
export function encodeMessage(m: Message): Uint8Array {
  const payload = new Writer();
  writePayload(payload, m);
  if (payload.length > MAX_MESSAGE_PAYLOAD) throw new RangeError(`${messageName(m.type)} has ${payload.length} bytes, the limit is ${MAX_MESSAGE_PAYLOAD}`);
  return new Writer().varint(m.type).uint16(payload.length).raw(payload.bytes()).bytes();
}

function writePayload(w: Writer, m: Message): void {
  switch (m.type) {
    case MessageType.SETUP:
      return writeSetup(w, m);
    case MessageType.GOAWAY:
      writeText(w, "new session URI", m.uri, MAX_GOAWAY_URI);
      w.varint(m.timeout);
      if (m.requestId !== undefined) w.varint(m.requestId);
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
      w.raw(m.trackProperties);
      return;
    case MessageType.SUBSCRIBE_OK:
      w.varint(m.trackAlias);
      writeParameters(w, m.type, m.params);
      w.raw(m.trackProperties);
      return;
    case MessageType.REQUEST_OK:
      writeParameters(w, m.type, m.params);
      w.raw(m.trackProperties);
      return;
    case MessageType.REQUEST_ERROR:
      return writeRequestError(w, m);
    case MessageType.REQUEST_UPDATE:
      w.varint(m.requestId);
      return writeParameters(w, m.type, m.params);
    case MessageType.PUBLISH_DONE:
      w.varint(m.code).varint(m.streamCount);
      return writeText(w, "reason phrase", m.reason, MAX_REASON_PHRASE);
    case MessageType.FETCH:
      return writeFetch(w, m);
    case MessageType.FETCH_OK:
      w.uint8(m.endOfTrack ? 1 : 0);
      writeLocation(w, m.end);
      writeParameters(w, m.type, m.params);
      w.raw(m.trackProperties);
      return;
    case MessageType.PUBLISH_NAMESPACE:
      w.varint(m.requestId);
      writeNamespace(w, m.namespace);
      return writeParameters(w, m.type, m.params);
    case MessageType.SUBSCRIBE_NAMESPACE:
    case MessageType.SUBSCRIBE_TRACKS:
      w.varint(m.requestId);
      writeNamespace(w, m.prefix);
      return writeParameters(w, m.type, m.params);
    case MessageType.NAMESPACE:
    case MessageType.NAMESPACE_DONE:
      return writeNamespace(w, m.suffix);
    case MessageType.PUBLISH_BLOCKED:
      return writeFullTrackName(w, { namespace: m.suffix, name: m.name });
  }
}

function writeRequestError(w: Writer, m: RequestErr): void {
  if ((m.code === RequestError.REDIRECT) !== (m.redirect !== undefined)) throw new RangeError("a redirect goes with the code REDIRECT and no other");
  const retry = m.retryInterval === undefined ? 0 : add(m.retryInterval, 1);
  if (retry === undefined) throw new RangeError("retry interval is too long");
  w.varint(m.code).varint(retry);
  writeText(w, "reason phrase", m.reason, MAX_REASON_PHRASE);
  if (m.redirect !== undefined) {
    writeText(w, "connect URI", m.redirect.uri, MAX_MESSAGE_PAYLOAD);
    writeFullTrackName(w, m.redirect.track);
  }
}

function writeFetch(w: Writer, m: Fetch): void {
  w.varint(m.requestId).varint(m.kind);
  if (m.kind === FetchKind.STANDALONE) {
    writeFullTrackName(w, m.track);
    writeLocation(w, m.start);
    writeLocation(w, m.end);
  } else {
    w.varint(m.joiningRequestId).varint(m.joiningStart);
  }
  writeParameters(w, m.type, m.params);
}

/**
 * Reads the payload of a message. It shares no memory with the payload. Throws WireError: a payload that is too
 * short or too long for its fields is a PROTOCOL_VIOLATION (moqt-18 §10).
 */
export function parseMessage(type: U64, payload: Uint8Array): Message {
  const r = new Reader(payload);
  try {
    const m = readPayload(r, type);
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
    const type = r.varint();
    if (!knownTypes.has(type)) throw violation(`unknown message type ${messageName(type)}`);
    return parseMessage(type, r.take(r.uint16()));
  } catch (e) {
    r.offset = start;
    throw e;
  }
}

function readPayload(r: Reader, type: U64): Message {
  switch (type) {
    case MessageType.SETUP:
      return readSetup(r);
    case MessageType.GOAWAY: {
      const m: Goaway = { type, uri: text(r, "new session URI", MAX_GOAWAY_URI), timeout: r.varint() };
      if (r.remaining > 0) m.requestId = r.varint();
      return m;
    }
    case MessageType.SUBSCRIBE:
    case MessageType.TRACK_STATUS:
      return { type, requestId: r.varint(), track: readFullTrackName(r), params: readParameters(r, type) };
    case MessageType.PUBLISH:
      return { type, requestId: r.varint(), track: readFullTrackName(r), trackAlias: r.varint(), params: readParameters(r, type), trackProperties: trackProperties(r) };
    case MessageType.SUBSCRIBE_OK:
      return { type, trackAlias: r.varint(), params: readParameters(r, type), trackProperties: trackProperties(r) };
    case MessageType.REQUEST_OK:
      return { type, params: readParameters(r, type), trackProperties: trackProperties(r) };
    case MessageType.REQUEST_ERROR:
      return readRequestError(r);
    case MessageType.REQUEST_UPDATE:
      return { type, requestId: r.varint(), params: readParameters(r, type) };
    case MessageType.PUBLISH_DONE:
      return { type, code: r.varint(), streamCount: r.varint(), reason: text(r, "reason phrase", MAX_REASON_PHRASE) };
    case MessageType.FETCH:
      return readFetch(r);
    case MessageType.FETCH_OK: {
      const endOfTrack = r.uint8();
      if (endOfTrack > 1) throw violation(`end of track ${endOfTrack} is neither 0 nor 1`);
      return { type, endOfTrack: endOfTrack === 1, end: readLocation(r), params: readParameters(r, type), trackProperties: trackProperties(r) };
    }
    case MessageType.PUBLISH_NAMESPACE:
      return { type, requestId: r.varint(), namespace: readNamespace(r), params: readParameters(r, type) };
    case MessageType.SUBSCRIBE_NAMESPACE:
    case MessageType.SUBSCRIBE_TRACKS:
      return { type, requestId: r.varint(), prefix: readNamespace(r), params: readParameters(r, type) };
    case MessageType.NAMESPACE:
    case MessageType.NAMESPACE_DONE:
      return { type, suffix: readNamespace(r) };
    case MessageType.PUBLISH_BLOCKED: {
      const { namespace, name } = readFullTrackName(r);
      return { type, suffix: namespace, name };
    }
    default:
      throw violation(`unknown message type ${messageName(type)}`);
  }
}

/** The rest of the message, whose framing is checked but which is kept as it is. */
function trackProperties(r: Reader): Uint8Array {
  const block = r.rest().slice();
  parseKeyValues(block);
  return block;
}

function readRequestError(r: Reader): RequestErr {
  const m: RequestErr = { type: MessageType.REQUEST_ERROR, code: r.varint(), reason: "" };
  const retry = subtract(r.varint(), 1);
  if (retry !== undefined) m.retryInterval = retry;
  m.reason = text(r, "reason phrase", MAX_REASON_PHRASE);
  if (m.code === RequestError.REDIRECT) m.redirect = { uri: text(r, "connect URI", MAX_MESSAGE_PAYLOAD), track: readFullTrackName(r) };
  return m;
}

function readFetch(r: Reader): Fetch {
  const type = MessageType.FETCH;
  const requestId = r.varint();
  const kind = r.varint();
  switch (kind) {
    case FetchKind.STANDALONE:
      return { type, requestId, kind, track: readFullTrackName(r), start: readLocation(r), end: readLocation(r), params: readParameters(r, type) };
    case FetchKind.RELATIVE_JOINING:
    case FetchKind.ABSOLUTE_JOINING:
      return { type, requestId, kind, joiningRequestId: r.varint(), joiningStart: r.varint(), params: readParameters(r, type) };
    default:
      throw violation(`fetch type ${kind} does not exist`);
  }
}
