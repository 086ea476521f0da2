/** The session itself, in each draft: SETUP, GOAWAY, requests of the peer, namespaces, fetches and faults. */
import assert from "node:assert/strict";
import { PARK_MS } from "../../src/moq/datastreams.ts";
import { type MoqError, RequestError, ResetCode, SessionError } from "../../src/moq/errors.ts";
import { FetchRequest } from "../../src/moq/fetch.ts";
import { NamespaceWatch } from "../../src/moq/namespaces.ts";
import { TrackSubscription } from "../../src/moq/subscription.ts";
import type { Draft } from "../../src/moq/wire/draft.ts";
import { Writer } from "../../src/moq/wire/buffer.ts";
import { encodeMessage } from "../../src/moq/wire/messages.ts";
import { encodeKeyValues } from "../../src/moq/wire/properties.ts";
import { FilterType } from "../../src/moq/wire/filter.ts";
import { MAX_U64, type U64 } from "../../src/moq/wire/u64.ts";
import { type Fetch, type Message, MessageType, type Setup } from "../../src/moq/wire/types.ts";
import { Pair, random } from "./pair.ts";
import { each, Recorder, Sender, TestRelay, text, track } from "./relay.ts";

const none = new Uint8Array();
const name = { namespace: [text(0, 0)], name: text(0, 1) };

/** A client that has the server's SETUP, and a way to send it what a server would never send. */
function connected(draft: Draft): { relay: TestRelay; control: (m: Message) => void; client: Pair["client"] } {
  const relay = new TestRelay({ draft });
  relay.pair.run();
  // The control stream is the first that a Connection opens.
  const control = (m: Message) => {
    relay.server.push({ kind: "write", stream: 0, bytes: encodeMessage(m, draft) });
    relay.pair.run();
  };
  return { relay, control, client: relay.pair.client };
}

each("SETUP: exchanged, with the name of the implementation", (draft) => {
  const setups: Setup[] = [];
  const pair = new Pair({ draft, server: { onSetup: (m) => setups.push(m) } });
  assert.equal(pair.client.connection.ready, false);
  pair.run();
  assert.equal(pair.client.connection.ready, true);
  assert.deepEqual(setups.map((m) => m.implementation), ["test"]);
});

each("faults of the peer close the session with the right code", (draft) => {
  const { PROTOCOL_VIOLATION, INVALID_PATH, INVALID_AUTHORITY, INVALID_REQUEST_ID, INTERNAL_ERROR, TOO_MANY_REQUESTS } = SessionError;
  const { controlStream } = draft;
  const write = (fill: (w: Writer) => void) => (r: TestRelay) => void new Sender(r.server).write(fill);
  const say = (r: TestRelay, ...messages: Message[]) => {
    const w = new Writer(draft);
    for (const m of messages) w.raw(encodeMessage(m, draft));
    r.server.push({ kind: "write", stream: 0, bytes: w.bytes() });
  };
  const setup: Setup = { type: MessageType.SETUP, server: true };
  const request = (...messages: Message[]) => (r: TestRelay) => {
    if (controlStream) return say(r, ...messages);
    for (const m of messages) {
      const id = r.server.openBidi({ data() {}, fin() {}, reset() {} });
      r.server.push({ kind: "write", stream: id, bytes: encodeMessage(m, draft) });
    }
  };
  const announce = (requestId: number): Message => ({ type: MessageType.PUBLISH_NAMESPACE, requestId, namespace: [text(0, 0)], params: {} });
  type Case = [what: string, code: number, act: (r: TestRelay) => void];
  const cases: Case[] = [
    ["a second SETUP", PROTOCOL_VIOLATION, (r) => say(r, setup)],
    ["a unidirectional control stream too many", PROTOCOL_VIOLATION, write((w) => w.varint(0x2f00).uint16(0))],
    ["the control stream finished", PROTOCOL_VIOLATION, (r) => r.server.push({ kind: "finish", stream: 0 })],
    ["the control stream reset", PROTOCOL_VIOLATION, (r) => r.server.push({ kind: "reset", stream: 0, code: 0 })],
    ["a message out of place", PROTOCOL_VIOLATION, (r) => say(r, { type: MessageType.NAMESPACE, suffix: [] })],
    ["an unknown message", PROTOCOL_VIOLATION, (r) => r.server.push({ kind: "write", stream: 0, bytes: Uint8Array.of(0x3f, 0, 0) })],
    ["an unknown stream type", PROTOCOL_VIOLATION, write((w) => w.varint(0x01).varint(0))],
    ["a stream that ends in its header", PROTOCOL_VIOLATION, (r) => new Sender(r.server).write((w) => w.uint8(0x30)).fin()],
    ["an unknown datagram", PROTOCOL_VIOLATION, (r) => r.client.datagram(new Writer(draft).varint(0x40).varint(0).varint(0).bytes())],
    ["an alias beyond 2^53", INTERNAL_ERROR, write((w) => w.varint(0x30).varint(1n << 60n).varint(0))],
    ["objects for a fetch that was never made", PROTOCOL_VIOLATION, write((w) => w.varint(0x05).varint(0x0a))],
    ["a second GOAWAY", PROTOCOL_VIOLATION, (r) => (r.server.sendGoaway("", 0, 0), r.server.sendGoaway("", 0, 0))],
    ["a request with a client's ID", INVALID_REQUEST_ID, request(announce(2))],
    ["a Request ID twice", INVALID_REQUEST_ID, request(announce(3), announce(1), announce(3))],
  ];
  if (draft.goawayRequestId) {
    cases.push(["GOAWAY without a Request ID", PROTOCOL_VIOLATION, (r) => say(r, { type: MessageType.GOAWAY, uri: "", timeout: 0 })]);
    cases.push(["GOAWAY with an odd Request ID", INVALID_REQUEST_ID, (r) => r.server.sendGoaway("", 0, 1)]);
  }
  const done: Message = { type: MessageType.PUBLISH_DONE, requestId: 0, code: 0, streamCount: 0, reason: "" };
  const ok = (requestId: number): Message => ({ type: MessageType.REQUEST_OK, requestId, params: {}, trackProperties: none });
  const status = (r: TestRelay) => {
    r.client.openRequest((requestId) => ({ type: MessageType.TRACK_STATUS, requestId, track: name, params: {} }), { message() {}, ended() {}, closed() {} });
    r.pair.run();
  };
  const only16: Case[] = [
    ["SETUP of a client", PROTOCOL_VIOLATION, (r) => say(r, { type: MessageType.SETUP })],
    ["SUBSCRIBE_NAMESPACE on the control stream", PROTOCOL_VIOLATION, (r) => say(r, { type: MessageType.SUBSCRIBE_NAMESPACE, requestId: 1, prefix: [], params: {} })],
    ["a limit of requests that does not grow", PROTOCOL_VIOLATION, (r) => say(r, { type: MessageType.MAX_REQUEST_ID, requestId: 2 })],
    ["more requests than allowed", TOO_MANY_REQUESTS, (r) => say(r, announce(100_001))],
    ["an answer to a request that was never made", PROTOCOL_VIOLATION, (r) => say(r, ok(0))],
    ["an answer to one of its own", PROTOCOL_VIOLATION, (r) => say(r, announce(1), ok(1))],
    ["the end of a subscription that was never made", PROTOCOL_VIOLATION, (r) => say(r, done)],
    ["the end of what is no subscription", PROTOCOL_VIOLATION, (r) => (status(r), say(r, done))],
    ["PUBLISH_OK to what is no PUBLISH", PROTOCOL_VIOLATION, (r) => (status(r), say(r, { type: MessageType.PUBLISH_OK, requestId: 0, params: {} }))],
    ["an update of a request that was never made", PROTOCOL_VIOLATION, (r) => say(r, { type: MessageType.REQUEST_UPDATE, requestId: 1, existingId: 5, params: {} })],
    ["UNSUBSCRIBE of nothing", PROTOCOL_VIOLATION, (r) => say(r, { type: MessageType.UNSUBSCRIBE, requestId: 7 })],
  ];
  const later: Case[] = [["a request stream that begins with an answer", PROTOCOL_VIOLATION, request(ok(0))]];
  cases.push(...(controlStream ? only16 : later));
  for (const [what, code, act] of cases) {
    const { relay, client } = connected(draft);
    act(relay);
    relay.pair.run();
    assert.equal(client.closedWith?.code, code, `${what}: ${client.closedWith?.reason}`);
    assert.equal(client.ended?.kind, "session", what);
    assert.equal(client.ended?.code, code, what);
  }
  for (const [m, code] of [[{ path: "/a" }, INVALID_PATH], [{ authority: "a" }, INVALID_AUTHORITY]] as const) {
    const pair = new Pair({ draft });
    pair.held = (p) => p.from === pair.server;
    pair.run();
    const stream = controlStream ? 0 : pair.client.connection.streamOpened(false);
    pair.client.connection.data(stream, encodeMessage({ ...setup, ...m }, draft));
    pair.flush();
    assert.equal(pair.client.closedWith?.code, code);
  }
});

each("what comes before SETUP waits for it", (draft) => {
  const relay = new TestRelay({ draft });
  const recorder = new Recorder();
  // The first stream of the server is its control stream.
  relay.pair.held = (p) => p.from === relay.pair.server && p.senderId === 0;
  new TrackSubscription(relay.client, track, {}, recorder, { established() {}, failed() {} });
  relay.accept(4);
  relay.subgroup({ trackAlias: 4, group: 0 }).objects(0);
  relay.pair.run();
  assert.deepEqual(recorder.take(), []);
  relay.pair.held = () => false;
  relay.pair.run();
  assert.deepEqual(recorder.take(), ["object 0/0"]);
}, (draft) => !draft.controlStream);

each("a stream that waited with half a header is read on", (draft) => {
  const relay = new TestRelay({ draft, maxPiece: 1 });
  const recorder = new Recorder();
  relay.pair.held = (p) => p.from === relay.pair.server && p.senderId === 0;
  new TrackSubscription(relay.client, track, {}, recorder, { established() {}, failed() {} });
  relay.accept(4);
  relay.subgroup({ trackAlias: 4, group: 0 }).objects(0);
  relay.pair.run();
  relay.pair.held = () => false;
  relay.pair.run();
  assert.deepEqual(recorder.take(), ["object 0/0"]);
}, (draft) => !draft.controlStream);

each("padding is discarded", (draft) => {
  const { relay, client } = connected(draft);
  new Sender(relay.server).write((w) => w.varint(0x132b3e28).raw(new Uint8Array(1000))).fin();
  relay.client.datagram(Uint8Array.of(0xf0, 0x13, 0x2b, 0x3e, 0x29, 0, 0));
  relay.pair.run();
  assert.equal(client.ended, undefined);
}, (draft) => draft.padding);

each("GOAWAY is told", (draft) => {
  const { relay, client } = connected(draft);
  relay.server.sendGoaway("https://other", 3000, 0);
  relay.pair.run();
  assert.deepEqual(client.goaways, [{ uri: "https://other", timeoutMs: draft.goawayTimeout ? 3000 : 0 }]);
  assert.equal(client.connection.goingAway, true);
});

each("requests of the relay are refused, one by one", (draft) => {
  const { relay, client } = connected(draft);
  const answers: string[] = [];
  const user = {
    message: (m: Message) => void (m.type === MessageType.REQUEST_ERROR && answers.push(`${m.code}`)),
    ended: (code?: number) => void answers.push(code === undefined ? "fin" : `reset ${code}`),
    closed() {},
  };
  const publish = relay.server.openRequest((requestId) => ({ type: MessageType.PUBLISH, requestId, track: name, trackAlias: 7, params: {}, trackProperties: none }), user);
  publish.send({ type: MessageType.REQUEST_UPDATE, requestId: relay.server.takeRequestId(), params: {} });
  relay.server.openRequest((requestId) => ({ type: MessageType.SUBSCRIBE, requestId, track: name, params: {} }), user);
  relay.pair.run();
  assert.deepEqual(answers.sort(), [`${RequestError.DOES_NOT_EXIST}`, `${RequestError.UNINTERESTED}`, "fin", "fin"]);
  const s = relay.subgroup({ trackAlias: 7, group: 0 }).objects(0);
  relay.pair.run();
  assert.equal(s.stoppedWith, ResetCode.CANCELLED);
  assert.equal(client.ended, undefined);
});

class Names {
  readonly log: string[] = [];
  add(n: string[]): void {
    this.log.push(`+${n.join("/")}`);
  }
  remove(n: string[]): void {
    this.log.push(`-${n.join("/")}`);
  }
  error(e: MoqError): void {
    this.log.push(`error ${e.code}`);
  }
}

function bytes(...fields: string[]): Uint8Array[] {
  return fields.map((f) => new TextEncoder().encode(f));
}

each("namespaces: added, removed, and gone with the stream", (draft) => {
  const { relay } = connected(draft);
  const names = new Names();
  new NamespaceWatch(relay.client, ["live"], names);
  const r = relay.request(MessageType.SUBSCRIBE_NAMESPACE);
  r.send({ type: MessageType.REQUEST_OK, params: {}, trackProperties: none });
  r.send({ type: MessageType.NAMESPACE, suffix: bytes("a") });
  r.send({ type: MessageType.NAMESPACE, suffix: bytes("a") });
  r.send({ type: MessageType.NAMESPACE, suffix: bytes("b", "c") });
  r.send({ type: MessageType.NAMESPACE, suffix: [Uint8Array.of(0xff)] });
  r.send({ type: MessageType.NAMESPACE_DONE, suffix: bytes("a") });
  r.send({ type: MessageType.NAMESPACE_DONE, suffix: [Uint8Array.of(0xff)] });
  relay.pair.run();
  assert.deepEqual(names.log.splice(0), ["+live/a", "+live/b/c", "-live/a"]);
  r.finish();
  relay.pair.run();
  assert.deepEqual(names.log, ["-live/b/c", `error ${RequestError.INTERNAL_ERROR}`]);
});

each("namespaces: refused, closed, and faults", (draft) => {
  const { relay } = connected(draft);
  const names = new Names();
  new NamespaceWatch(relay.client, [], names);
  relay.request(MessageType.SUBSCRIBE_NAMESPACE).send({ type: MessageType.REQUEST_ERROR, code: RequestError.PREFIX_OVERLAP, reason: "" });
  relay.pair.run();
  assert.deepEqual(names.log, [`error ${RequestError.PREFIX_OVERLAP}`]);

  const closed = connected(draft).relay;
  const unexpected = () => assert.fail("called after close");
  const watch = new NamespaceWatch(closed.client, [], { add: () => watch.close(), remove: unexpected, error: unexpected });
  const r = closed.request(MessageType.SUBSCRIBE_NAMESPACE);
  r.send({ type: MessageType.REQUEST_OK, params: {}, trackProperties: none });
  r.send({ type: MessageType.NAMESPACE, suffix: bytes("a") });
  r.send({ type: MessageType.NAMESPACE_DONE, suffix: bytes("a") });
  closed.pair.run();
  assert.equal(r.endedWith, ResetCode.CANCELLED);

  for (const m of [
    { type: MessageType.NAMESPACE_DONE, suffix: bytes("a") },
    { type: MessageType.REQUEST_OK, params: {}, trackProperties: none },
  ] as Message[]) {
    const { relay, client } = connected(draft);
    new NamespaceWatch(relay.client, [], new Names());
    const r = relay.request(MessageType.SUBSCRIBE_NAMESPACE);
    r.send({ type: MessageType.REQUEST_OK, params: {}, trackProperties: none });
    r.send(m);
    relay.pair.run();
    assert.equal(client.closedWith?.code, SessionError.PROTOCOL_VIOLATION);
  }
});

function fetch(relay: TestRelay): { log: string[]; request: FetchRequest } {
  const log: string[] = [];
  const request = new FetchRequest(
    relay.client,
    (requestId) => ({ type: MessageType.FETCH, requestId, kind: 1, track: name, params: { filter: { type: FilterType.ABSOLUTE_RANGE, start: { group: 3, object: 2 }, endGroup: 5 } } }),
    {
      object: (o) => log.push(`${o.group}/${o.object} ${o.priority}`),
      unknown: (to) => log.push(`unknown to ${to.group}/${to.object}`),
      done: (e) => log.push(e === undefined ? "done" : `failed ${e.code}`),
    },
  );
  return { log, request };
}

const fetchOk = (group: number, object: U64, trackProperties: Uint8Array = none): Message => ({ type: MessageType.FETCH_OK, endOfTrack: false, end: { group, object }, params: {}, trackProperties });

each("fetch: objects and ranges, before and after FETCH_OK", (draft) => {
  for (const first of ["answer", "objects"]) {
    const { relay, client } = connected(draft);
    const { log } = fetch(relay);
    const r = relay.request(MessageType.FETCH);
    assert.deepEqual((r.request as Fetch).params.filter, { type: FilterType.ABSOLUTE_RANGE, start: { group: 3, object: 2 }, endGroup: 5 });
    const f = relay.fetchStream();
    if (first === "answer") r.send(fetchOk(5, MAX_U64));
    relay.pair.run();
    f.objects(3, 2, 3).item({ kind: "endNonExistent", group: 4, id: 1 }).item({ kind: "endUnknown", group: 4, id: 5 }).objects(4, 6).fin();
    relay.pair.run();
    r.send(fetchOk(5, MAX_U64));
    r.finish();
    relay.pair.run();
    assert.deepEqual(log, ["3/2 7", "3/3 7", "unknown to 4/5", "4/6 7", "done"], first);
    // In draft 16 it is about a request that is over.
    if (!draft.controlStream) assert.equal(client.ended === undefined, first === "objects", "a second FETCH_OK is a fault");
  }
});

each("fetch: failures", (draft) => {
  const cases: [string, (r: TestRelay) => void, string][] = [
    ["refused", (r) => r.request(MessageType.FETCH).send({ type: MessageType.REQUEST_ERROR, code: 0x11, reason: "" }), "failed 17"],
    ["reset", (r) => r.fetchStream().reset(ResetCode.UNKNOWN_OBJECT_STATUS), "failed 0"],
    ["malformed", (r) => void r.fetchStream().item({ kind: "object", group: 3, id: 2, subgroup: 0, datagram: false, priority: 0, hasProperties: true, properties: encodeKeyValues([{ type: 0x0b, value: none }, { type: 0x0b, value: none }]), payloadLength: 0 }), `failed ${RequestError.MALFORMED_TRACK}`],
  ];
  if (!draft.controlStream) cases.push(["unanswered", (r) => r.request(MessageType.FETCH).finish(), "failed 0"]);
  if (draft.mandatoryProperties) {
    cases.push(["mandatory property", (r) => r.request(MessageType.FETCH).send(fetchOk(5, MAX_U64, encodeKeyValues([{ type: 0x5000, value: 0 }]))), `failed ${RequestError.UNSUPPORTED_EXTENSION}`]);
  }
  for (const [what, act, expected] of cases) {
    const { relay, client } = connected(draft);
    const { log } = fetch(relay);
    act(relay);
    relay.pair.run();
    assert.deepEqual(log.filter((l) => !l.includes("/")), [expected], what);
    assert.equal(client.ended, undefined, what);
  }
});

each("fetch: faults end the session", (draft) => {
  const cases: [string, (r: TestRelay) => void][] = [
    ["ends before its start", (r) => r.request(MessageType.FETCH).send(fetchOk(3, 1))],
    ["two streams", (r) => void [r.fetchStream(), r.fetchStream()]],
    ["cut inside an object", (r) => r.fetchStream().write((w) => w.varint(0x1c).varint(3).varint(2)).fin()],
  ];
  for (const [what, act] of cases) {
    const { relay, client } = connected(draft);
    fetch(relay);
    act(relay);
    relay.pair.run();
    assert.equal(client.closedWith?.code, SessionError.PROTOCOL_VIOLATION, what);
  }
});

each("fetch: cancelled", (draft) => {
  const { relay } = connected(draft);
  const { log, request } = fetch(relay);
  const r = relay.request(MessageType.FETCH);
  const f = relay.fetchStream().objects(3, 2);
  relay.pair.run();
  request.cancel();
  relay.pair.run();
  const late = relay.fetchStream().objects(3, 3);
  relay.pair.run();
  assert.deepEqual(log, ["3/2 7"]);
  assert.deepEqual([r.endedWith, f.stoppedWith, late.stoppedWith], [ResetCode.CANCELLED, ResetCode.CANCELLED, ResetCode.CANCELLED]);
});

each("after the end nothing is called and nothing is sent", (draft) => {
  const { relay } = connected(draft);
  const recorder = new Recorder();
  const subscription = new TrackSubscription(relay.client, track, {}, recorder, { established() {}, failed() {} });
  relay.accept(4);
  relay.pair.run();
  relay.client.close(SessionError.NO_ERROR, "enough");
  relay.pair.run();
  assert.deepEqual(relay.pair.client.closedWith, { code: 0, reason: "enough" });
  assert.equal(relay.pair.client.ended, undefined, "its own close is not reported");
  subscription.close();
  const stream = relay.client.streamOpened(false);
  relay.client.data(stream, Uint8Array.of(1));
  relay.client.datagram(Uint8Array.of(0x40));
  relay.client.runTimers();
  assert.deepEqual(relay.client.takeActions(), []);
  assert.equal(relay.client.nextTimer(), undefined);
});

each("noise never does more than close the session", (draft) => {
  for (let seed = 1; seed <= 300; seed++) {
    const next = random(seed);
    const { relay, client } = connected(draft);
    const recorder = new Recorder();
    new TrackSubscription(relay.client, track, { joinGroups: 1 }, recorder, { established() {}, failed() {} });
    const names = new Names();
    new NamespaceWatch(relay.client, [], names);
    relay.accept(4, { largestObject: { group: 2, object: 1 } });
    relay.pair.run();
    const prefixes: number[][] = [[], [0x30, 4], [0x31, 4, 2], [0x05, 2], [0x2f], [0x38, 4, 1, 0, 0, 1]];
    for (let i = 0; i < 12; i++) {
      const noise = Uint8Array.from({ length: Math.floor(next() * 40) }, () => (next() < 0.5 ? Math.floor(next() * 8) : Math.floor(next() * 256)));
      const prefix = prefixes[Math.floor(next() * prefixes.length)] as number[];
      switch (Math.floor(next() * 4)) {
        case 0:
          client.connection.datagram(noise);
          break;
        case 1:
          client.connection.data(client.connection.streamOpened(true), noise);
          break;
        case 2:
          // The answers to our own requests.
          client.connection.data(Math.floor(next() * 5), noise);
          break;
        default: {
          const s = client.connection.streamOpened(false);
          client.connection.data(s, Uint8Array.of(...prefix, ...noise));
          if (next() < 0.5) client.connection.fin(s);
          else client.connection.reset(s, Math.floor(next() * 20));
        }
      }
      client.connection.takeActions();
    }
    relay.pair.now += PARK_MS * 5;
    client.connection.runTimers();
    client.connection.transportClosed(client.ended ?? ({ message: "over" } as MoqError));
    assert.equal(recorder.log.filter((l) => l.startsWith("done")).length, 1, `seed ${seed}: ${recorder.log.join(", ")}`);
    assert.equal(names.log.filter((l) => l.startsWith("error")).length, 1, `seed ${seed}`);
  }
});
