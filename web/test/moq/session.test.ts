/** MoqSession and its transport, over a WebTransport without a network. */
import assert from "node:assert/strict";
import { afterEach, beforeEach, test } from "node:test";
import type { StreamChannel } from "../../src/moq/channel.ts";
import { MoqError, RequestError, ResetCode, SessionError } from "../../src/moq/errors.ts";
import { MoqSession } from "../../src/moq/session.ts";
import type { SessionOptions } from "../../src/moq/types.ts";
import { encodeDatagram } from "../../src/moq/wire/datagram.ts";
import { FilterType } from "../../src/moq/wire/filter.ts";
import { type Message, MessageType } from "../../src/moq/wire/types.ts";
import { type FakeTransport, FakeWebTransportError, OldWebTransportError, opener, until } from "./faketransport.ts";
import { each, FetchSender, Recorder, SubgroupSender, text, track } from "./relay.ts";

const none = new Uint8Array();
const globals = globalThis as { WebTransportError?: unknown };

beforeEach(() => void (globals.WebTransportError = FakeWebTransportError));
afterEach(() => void delete globals.WebTransportError);

interface Case {
  session: MoqSession;
  relay: FakeTransport;
  closed: MoqError[];
  goaways: string[];
  /** The request of that type, once it is there. */
  request(type: number): Promise<FakeTransport["requests"][number]>;
  /** Sends an answer. */
  answer(type: number, m: Message): Promise<void>;
}

async function connect(o: Partial<SessionOptions> = {}, fake: Parameters<typeof opener>[1] = {}): Promise<Case> {
  const made: FakeTransport[] = [];
  const closed: MoqError[] = [];
  const goaways: string[] = [];
  const session = await MoqSession.connect({ url: "https://relay/live", onClosed: (e) => closed.push(e), onGoaway: (uri) => goaways.push(uri), ...o }, opener(made, fake));
  const relay = made[0] as FakeTransport;
  const find = (type: number) => relay.requests.find((r) => r.request.type === type);
  const request: Case["request"] = async (type) => {
    await until(() => find(type) !== undefined, `a request of type ${type}`);
    return find(type) as FakeTransport["requests"][number];
  };
  return {
    session, relay, closed, goaways, request,
    async answer(type, m) {
      (await request(type)).send(m);
      relay.flush();
    },
  };
}

async function subscribed(c: Case, recorder = new Recorder()) {
  const subscription = c.session.subscribe(track, {}, recorder);
  await c.answer(MessageType.SUBSCRIBE, { type: MessageType.SUBSCRIBE_OK, trackAlias: 4, params: { largestObject: { group: 1, object: 2 } }, trackProperties: none });
  return { subscription: await subscription, recorder };
}

function failure(kind: MoqError["kind"], message: RegExp, code = 0): (e: unknown) => true {
  return (e) => {
    assert.ok(e instanceof MoqError, String(e));
    assert.match(e.message, message);
    assert.deepEqual([e.kind, e.code], [kind, code]);
    return true;
  };
}

test("connect: options, protocol and the relay's name", async () => {
  const fingerprint = Uint8Array.from({ length: 32 }, (_, i) => i);
  const { session, relay } = await connect({ url: "moqt://relay:4443/live?a=b#frag", fingerprints: [fingerprint] });
  assert.equal(relay.url, "https://relay:4443/live?a=b");
  assert.deepEqual(relay.options, { congestionControl: "low-latency", protocols: ["moqt-18", "moqt-16", "moqt-22"], serverCertificateHashes: [{ algorithm: "sha-256", value: fingerprint }] });
  assert.deepEqual([session.protocol, session.protocolAssumed, session.peerImplementation], ["moqt-18", false, "fake"]);
});

each("connect: the protocol that the relay chose is spoken", async (draft) => {
  const { session } = await connect({}, { protocol: draft.protocol });
  assert.deepEqual([session.protocol, session.protocolAssumed], [draft.protocol, false]);
  const { session: only, relay } = await connect({ versions: ["moqt-99", draft.protocol, draft.protocol] }, { protocol: draft.protocol });
  assert.deepEqual(relay.options.protocols, [draft.protocol]);
  assert.equal(only.protocol, draft.protocol);
});

test("connect: a browser or a relay that does not tell the protocol", async () => {
  for (const protocol of [undefined, ""]) {
    const { session } = await connect({}, { protocol });
    assert.deepEqual([session.protocol, session.protocolAssumed], ["moqt-18", true]);
  }
});

test("connect: failures say what to do", async () => {
  const cases: [Partial<SessionOptions>, Parameters<typeof opener>[1], (e: unknown) => true][] = [
    [{ url: "nonsense" }, {}, failure("transport", /^not a URL/)],
    [{ url: "http://relay" }, {}, failure("transport", /begins with https:\/\/ or moqt:\/\//)],
    [{ fingerprints: [new Uint8Array(20)] }, {}, failure("transport", /32 bytes/)],
    [{ versions: ["moqt-14"] }, {}, failure("session", /speaks moqt-18, moqt-16, moqt-22 and none of moqt-14/, SessionError.VERSION_NEGOTIATION_FAILED)],
    [{}, { protocol: "moqt-99" }, failure("session", /chose the protocol moqt-99/, SessionError.VERSION_NEGOTIATION_FAILED)],
    [{ connectTimeoutMs: 20 }, { hold: true }, failure("transport", /did not answer within 0.02 s/)],
    [{ connectTimeoutMs: 20 }, { silent: true }, failure("transport", /did not answer within 0.02 s/)],
  ];
  for (const [options, fake, expected] of cases) {
    const made: FakeTransport[] = [];
    await assert.rejects(MoqSession.connect({ url: "https://relay", onClosed: () => assert.fail("never established"), ...options }, opener(made, fake)), expected);
    if (made[0] !== undefined) assert.notEqual(made[0].closedWith, undefined, "the transport is closed");
  }
});

test("connect: an unreachable relay and a wrong certificate look alike, so both are named", async () => {
  for (const [fingerprints, words] of [[undefined, /not trusted by this browser/], [[new Uint8Array(32)], /not the one with the given fingerprint/]] as const) {
    const made: FakeTransport[] = [];
    const connecting = MoqSession.connect({ url: "https://relay", onClosed() {}, ...(fingerprints === undefined ? {} : { fingerprints: [...fingerprints] }) }, opener(made, { hold: true }));
    made[0]?.readyState.reject(new Error("Opening handshake failed."));
    await assert.rejects(connecting, failure("transport", words));
  }
  await assert.rejects(MoqSession.connect({ url: "https://relay", onClosed() {} }), failure("transport", /has no WebTransport/));
});

each("subscribe: objects by stream and datagram, update, close", async (draft) => {
  for (const form of [FakeWebTransportError, OldWebTransportError]) {
    globals.WebTransportError = form;
    const c = await connect({}, { protocol: draft.protocol });
    const { subscription, recorder } = await subscribed(c);
    assert.deepEqual(subscription.largest, { group: 1, object: 2 });
    const s = new SubgroupSender(c.relay.server, { trackAlias: 4, group: 2, endOfGroup: true }).objects(0, 1);
    c.relay.flush();
    c.relay.sendDatagram(encodeDatagram({ trackAlias: 4, group: 3, id: 0, endOfGroup: false, status: 0, properties: none, payload: text(3, 0) }, c.relay.server.draft));
    await until(() => recorder.objects.length === 3, "three objects");
    const request = await c.request(MessageType.SUBSCRIBE);
    request.onMessage = () => request.send({ type: MessageType.REQUEST_OK, params: {}, trackProperties: none });
    let ended: number | undefined;
    request.onEnded = (code) => (ended ??= code);
    await subscription.update({ priority: 1 });
    subscription.close();
    await until(() => ended !== undefined && s.stoppedWith !== undefined, "the relay hears of it");
    assert.deepEqual([ended, s.stoppedWith], [ResetCode.CANCELLED, ResetCode.CANCELLED]);
    assert.ok(c.session.stats().bytesReceived > 0);
    assert.deepEqual(c.closed, []);
  }
});

test("subscribe: a refusal arrives even if the relay stops our stream with it", async () => {
  const c = await connect();
  const subscription = c.session.subscribe(track, {}, new Recorder());
  const r = await c.request(MessageType.SUBSCRIBE);
  c.relay.server.push({ kind: "stop", stream: (r.channel as StreamChannel).stream, code: ResetCode.CANCELLED });
  r.send({ type: MessageType.REQUEST_ERROR, code: RequestError.DOES_NOT_EXIST, reason: "no such track" });
  r.finish();
  c.relay.flush();
  await assert.rejects(subscription, failure("request", /^DOES_NOT_EXIST: no such track$/, RequestError.DOES_NOT_EXIST));
});

each("streams that wait are not read", async (draft) => {
  const c = await connect({}, { protocol: draft.protocol });
  const recorder = new Recorder();
  const subscription = c.session.subscribe(track, {}, recorder);
  const s = new SubgroupSender(c.relay.server, { trackAlias: 4, group: 2 });
  for (let i = 0; i < 20; i++) s.objects(i);
  c.relay.flush();
  const source = () => c.relay.sources.get(s.stream);
  await until(() => (source()?.reads ?? 0) > 0, "the stream is looked at");
  await new Promise((resolve) => setTimeout(resolve, 10));
  assert.ok((source()?.reads ?? 0) <= 2, `${source()?.reads} reads`);
  await c.answer(MessageType.SUBSCRIBE, { type: MessageType.SUBSCRIBE_OK, trackAlias: 4, params: {}, trackProperties: none });
  await subscription;
  await until(() => recorder.objects.length === 20, "all objects");
});

each("fetch: end is inclusive", async (draft) => {
  const c = await connect({}, { protocol: draft.protocol });
  const recorder = new Recorder();
  const done = c.session.fetch(track, { group: 1, object: 0 }, { group: 1, object: 1 }, recorder);
  const r = await c.request(MessageType.FETCH);
  assert.deepEqual(r.request.params.filter, { type: FilterType.ABSOLUTE_RANGE, start: { group: 1, object: 0 }, endGroup: 1, endObject: 1 });
  const f = new FetchSender(c.relay.server, r.request.requestId).objects(1, 0, 1);
  f.fin();
  c.relay.flush();
  await done;
  assert.deepEqual(recorder.take(), ["object 1/0", "object 1/1", "done 3 "]);
  const refused = c.session.fetch({ namespace: ["x".repeat(5000)], name: "" }, { group: 0, object: 0 }, { group: 0 }, recorder);
  await assert.rejects(refused, failure("request", /more than 4096 bytes/));
});

each("namespaces", async (draft) => {
  const c = await connect({}, { protocol: draft.protocol });
  const seen: string[] = [];
  const watch = c.session.subscribeNamespace(["live"], { add: (n) => seen.push(`+${n}`), remove: (n) => seen.push(`-${n}`), error: (e) => seen.push(e.message) });
  await c.answer(MessageType.SUBSCRIBE_NAMESPACE, { type: MessageType.REQUEST_OK, params: {}, trackProperties: none });
  await c.answer(MessageType.SUBSCRIBE_NAMESPACE, { type: MessageType.NAMESPACE, suffix: [text(0, 1)] });
  await until(() => seen.length > 0, "a namespace");
  assert.deepEqual(seen, ["+live,0/1"]);
  watch.close();
  c.session.close();
  assert.deepEqual(seen, ["+live,0/1"]);
  const late: string[] = [];
  c.session.subscribeNamespace([], { add() {}, remove() {}, error: (e) => late.push(e.message) });
  await new Promise((resolve) => setTimeout(resolve, 1));
  assert.deepEqual(late, [], "nothing is called after close");
});

each("the session's end is told once, with the relay's code and words, after its tracks", async (draft) => {
  const c = await connect({}, { protocol: draft.protocol });
  const { recorder } = await subscribed(c);
  // As browsers do it: first all streams fail without a code.
  for (const s of c.relay.sources.values()) s.fail(new FakeWebTransportError("", { streamErrorCode: 0 }));
  await new Promise((resolve) => setTimeout(resolve, 10));
  c.relay.closedState.resolve({ closeCode: SessionError.GOAWAY_TIMEOUT, reason: "took too long" });
  await until(() => c.closed.length > 0, "onClosed");
  assert.equal(c.closed.length, 1);
  failure("session", /^the relay closed the session: GOAWAY_TIMEOUT: took too long$/, SessionError.GOAWAY_TIMEOUT)(c.closed[0]);
  assert.deepEqual(recorder.take(), ["done 0 the relay closed the session: GOAWAY_TIMEOUT: took too long"]);
  await assert.rejects(c.session.subscribe(track, {}, recorder), failure("session", /GOAWAY_TIMEOUT/, SessionError.GOAWAY_TIMEOUT));
});

each("a lost connection", async (draft) => {
  const c = await connect({}, { protocol: draft.protocol });
  const pending = c.session.subscribe(track, {}, new Recorder());
  c.relay.closedState.reject(new FakeWebTransportError("Connection lost.", { source: "session" }));
  await assert.rejects(pending, failure("transport", /connection to the relay was lost/));
  assert.equal(c.closed.length, 1);
});

test("faults of the relay close the session with the code and the reason, cut to what can be sent", async () => {
  const c = await connect();
  c.relay.server.push({ kind: "write", stream: 0, bytes: Uint8Array.of(0x3f, 0, 0) });
  c.relay.flush();
  await until(() => c.closed.length > 0, "onClosed");
  assert.equal(c.relay.closedWith?.closeCode, SessionError.PROTOCOL_VIOLATION);
  const other = await connect();
  other.session.close(SessionError.INTERNAL_ERROR, "ü".repeat(800));
  assert.equal(other.relay.closedWith?.reason, "ü".repeat(512));
  assert.deepEqual(other.closed, []);
});

each("GOAWAY: told, and no new requests", async (draft) => {
  const c = await connect({}, { protocol: draft.protocol });
  c.relay.server.sendGoaway("https://other", 100, 0);
  c.relay.flush();
  await until(() => c.goaways.length > 0, "onGoaway");
  assert.deepEqual(c.goaways, ["https://other"]);
  await assert.rejects(c.session.subscribe(track, {}, new Recorder()), failure("request", /going away/, RequestError.GOING_AWAY));
});

each("the round-trip time is measured with a request that the relay refuses", async (draft) => {
  const c = await connect({}, { protocol: draft.protocol });
  assert.equal(c.session.stats().rttMs, undefined);
  const r = await c.request(MessageType.TRACK_STATUS);
  r.send({ type: MessageType.REQUEST_ERROR, code: RequestError.DOES_NOT_EXIST, reason: "" });
  r.finish();
  c.relay.flush();
  await until(() => c.session.stats().rttMs !== undefined, "a measurement");
});

test("an exception of the application is reported and does no harm", async () => {
  const c = await connect();
  const { recorder } = await subscribed(c);
  const reported: unknown[] = [];
  const { queueMicrotask } = globalThis;
  globalThis.queueMicrotask = (f) => {
    try {
      f();
    } catch (e) {
      reported.push(e);
    }
  };
  try {
    recorder.onObject = () => {
      throw new Error("mine");
    };
    new SubgroupSender(c.relay.server, { trackAlias: 4, group: 2 }).objects(0, 1);
    c.relay.flush();
    await until(() => reported.length === 2, "both are reported");
  } finally {
    globalThis.queueMicrotask = queueMicrotask;
  }
  assert.deepEqual(c.closed, []);
});
