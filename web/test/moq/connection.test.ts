/** The session itself: SETUP, GOAWAY, requests of the peer, namespaces, fetches and faults. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { PARK_MS } from "../../src/moq/datastreams.ts";
import { type MoqError, RequestError, ResetCode, SessionError } from "../../src/moq/errors.ts";
import { FetchRequest } from "../../src/moq/fetch.ts";
import { NamespaceWatch } from "../../src/moq/namespaces.ts";
import { TrackSubscription } from "../../src/moq/subscription.ts";
import { DRAFT_18 } from "../../src/moq/wire/draft.ts";
import { encodeMessage } from "../../src/moq/wire/messages.ts";
import { encodeKeyValues } from "../../src/moq/wire/properties.ts";
import { FilterType } from "../../src/moq/wire/filter.ts";
import { MAX_U64, type U64 } from "../../src/moq/wire/u64.ts";
import { type Fetch, type Message, MessageType, type Setup } from "../../src/moq/wire/types.ts";
import { Pair, random } from "./pair.ts";
import { Recorder, Sender, TestRelay, text, track } from "./relay.ts";

const none = new Uint8Array();
const name = { namespace: [text(0, 0)], name: text(0, 1) };

/** A client that has the server's SETUP, and a way to send it what a server would never send. */
function connected(): { relay: TestRelay; control: (m: Message) => void; client: Pair["client"] } {
  const relay = new TestRelay();
  relay.pair.run();
  // The control stream is the first that a Connection opens.
  const control = (m: Message) => {
    relay.server.push({ kind: "write", stream: 0, bytes: encodeMessage(m, DRAFT_18) });
    relay.pair.run();
  };
  return { relay, control, client: relay.pair.client };
}

test("SETUP: exchanged, with the name of the implementation", () => {
  const setups: Setup[] = [];
  const pair = new Pair({ server: { onSetup: (m) => setups.push(m) } });
  assert.equal(pair.client.connection.ready, false);
  pair.run();
  assert.equal(pair.client.connection.ready, true);
  assert.deepEqual(setups.map((m) => m.implementation), ["test"]);
});

test("faults of the peer close the session with the right code", () => {
  const { PROTOCOL_VIOLATION, INVALID_PATH, INVALID_AUTHORITY, INVALID_REQUEST_ID, INTERNAL_ERROR } = SessionError;
  const write = (bytes: number[]) => (r: TestRelay) => void new Sender(r.server).write((w) => w.raw(Uint8Array.from(bytes)));
  const request = (m: Message) => (r: TestRelay) => {
    const id = r.server.openBidi({ data() {}, fin() {}, reset() {} });
    r.server.push({ kind: "write", stream: id, bytes: encodeMessage(m, DRAFT_18) });
  };
  const cases: [string, number, (r: TestRelay) => void][] = [
    ["a second SETUP", PROTOCOL_VIOLATION, (r) => r.server.push({ kind: "write", stream: 0, bytes: encodeMessage({ type: MessageType.SETUP }, DRAFT_18) })],
    ["a second control stream", PROTOCOL_VIOLATION, (r) => void new Sender(r.server).write((w) => w.raw(encodeMessage({ type: MessageType.SETUP }, DRAFT_18)))],
    ["the control stream finished", PROTOCOL_VIOLATION, (r) => r.server.push({ kind: "finish", stream: 0 })],
    ["the control stream reset", PROTOCOL_VIOLATION, (r) => r.server.push({ kind: "reset", stream: 0, code: 0 })],
    ["a message out of place", PROTOCOL_VIOLATION, (r) => r.server.push({ kind: "write", stream: 0, bytes: encodeMessage({ type: MessageType.NAMESPACE, suffix: [] }, DRAFT_18) })],
    ["an unknown message", PROTOCOL_VIOLATION, (r) => r.server.push({ kind: "write", stream: 0, bytes: Uint8Array.of(0x21, 0, 0) })],
    ["an unknown stream type", PROTOCOL_VIOLATION, write([0x01, 0])],
    ["a stream that ends in its header", PROTOCOL_VIOLATION, (r) => new Sender(r.server).write((w) => w.uint8(0x30)).fin()],
    ["an unknown datagram", PROTOCOL_VIOLATION, (r) => r.client.datagram(Uint8Array.of(0x40, 0, 0))],
    ["an alias beyond 2^53", INTERNAL_ERROR, write([0x30, 0xff, 0xff, 0, 0, 0, 0, 0, 0, 0, 0])],
    ["objects for a fetch that was never made", PROTOCOL_VIOLATION, write([0x05, 0x0a])],
    ["GOAWAY without a Request ID", PROTOCOL_VIOLATION, (r) => r.server.push({ kind: "write", stream: 0, bytes: encodeMessage({ type: MessageType.GOAWAY, uri: "", timeout: 0 }, DRAFT_18) })],
    ["GOAWAY with an odd Request ID", INVALID_REQUEST_ID, (r) => r.server.sendGoaway("", 0, 1)],
    ["a second GOAWAY", PROTOCOL_VIOLATION, (r) => (r.server.sendGoaway("", 0, 0), r.server.sendGoaway("", 0, 0))],
    ["a request with a client's ID", INVALID_REQUEST_ID, request({ type: MessageType.PUBLISH_NAMESPACE, requestId: 2, namespace: [], params: {} })],
    [
      "a Request ID twice", INVALID_REQUEST_ID,
      (r) => {
        for (const requestId of [3, 1, 3]) request({ type: MessageType.PUBLISH_NAMESPACE, requestId, namespace: [], params: {} })(r);
      },
    ],
    ["a request stream that begins with an answer", PROTOCOL_VIOLATION, request({ type: MessageType.REQUEST_OK, params: {}, trackProperties: none })],
  ];
  for (const [what, code, act] of cases) {
    const { relay, client } = connected();
    act(relay);
    relay.pair.run();
    assert.equal(client.closedWith?.code, code, `${what}: ${client.closedWith?.reason}`);
    assert.equal(client.ended?.kind, "session", what);
    assert.equal(client.ended?.code, code, what);
  }
  for (const [m, code] of [[{ path: "/a" }, INVALID_PATH], [{ authority: "a" }, INVALID_AUTHORITY]] as const) {
    const pair = new Pair();
    pair.held = (p) => p.from === pair.server;
    pair.run();
    const stream = pair.client.connection.streamOpened(false);
    pair.client.connection.data(stream, encodeMessage({ type: MessageType.SETUP, ...m }, DRAFT_18));
    pair.flush();
    assert.equal(pair.client.closedWith?.code, code);
  }
});

test("what comes before SETUP waits for it", () => {
  const relay = new TestRelay();
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
});

test("a stream that waited with half a header is read on", () => {
  const relay = new TestRelay({ maxPiece: 1 });
  const recorder = new Recorder();
  relay.pair.held = (p) => p.from === relay.pair.server && p.senderId === 0;
  new TrackSubscription(relay.client, track, {}, recorder, { established() {}, failed() {} });
  relay.accept(4);
  relay.subgroup({ trackAlias: 4, group: 0 }).objects(0);
  relay.pair.run();
  relay.pair.held = () => false;
  relay.pair.run();
  assert.deepEqual(recorder.take(), ["object 0/0"]);
});

test("padding is discarded", () => {
  const { relay, client } = connected();
  new Sender(relay.server).write((w) => w.varint(0x132b3e28).raw(new Uint8Array(1000))).fin();
  relay.client.datagram(Uint8Array.of(0xf0, 0x13, 0x2b, 0x3e, 0x29, 0, 0));
  relay.pair.run();
  assert.equal(client.ended, undefined);
});

test("GOAWAY is told", () => {
  const { relay, client } = connected();
  relay.server.sendGoaway("https://other", 3000, 0);
  relay.pair.run();
  assert.deepEqual(client.goaways, [{ uri: "https://other", timeoutMs: 3000 }]);
  assert.equal(client.connection.goingAway, true);
});

test("requests of the relay are refused, one by one", () => {
  const { relay, client } = connected();
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

test("namespaces: added, removed, and gone with the stream", () => {
  const { relay } = connected();
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

test("namespaces: refused, closed, and faults", () => {
  const { relay } = connected();
  const names = new Names();
  new NamespaceWatch(relay.client, [], names);
  relay.request(MessageType.SUBSCRIBE_NAMESPACE).send({ type: MessageType.REQUEST_ERROR, code: RequestError.PREFIX_OVERLAP, reason: "" });
  relay.pair.run();
  assert.deepEqual(names.log, [`error ${RequestError.PREFIX_OVERLAP}`]);

  const closed = connected().relay;
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
    const { relay, client } = connected();
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

test("fetch: objects and ranges, before and after FETCH_OK", () => {
  for (const first of ["answer", "objects"]) {
    const { relay, client } = connected();
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
    assert.equal(client.ended === undefined, first === "objects", "a second FETCH_OK is a fault");
  }
});

test("fetch: failures", () => {
  const cases: [string, (r: TestRelay) => void, string][] = [
    ["refused", (r) => r.request(MessageType.FETCH).send({ type: MessageType.REQUEST_ERROR, code: 0x11, reason: "" }), "failed 17"],
    ["unanswered", (r) => r.request(MessageType.FETCH).finish(), "failed 0"],
    ["reset", (r) => r.fetchStream().reset(ResetCode.UNKNOWN_OBJECT_STATUS), "failed 0"],
    ["mandatory property", (r) => r.request(MessageType.FETCH).send(fetchOk(5, MAX_U64, encodeKeyValues([{ type: 0x5000, value: 0 }]))), `failed ${RequestError.UNSUPPORTED_EXTENSION}`],
    ["malformed", (r) => void r.fetchStream().item({ kind: "object", group: 3, id: 2, subgroup: 0, datagram: false, priority: 0, hasProperties: true, properties: encodeKeyValues([{ type: 0x4000, value: 0 }]), payloadLength: 0 }), `failed ${RequestError.MALFORMED_TRACK}`],
  ];
  for (const [what, act, expected] of cases) {
    const { relay, client } = connected();
    const { log } = fetch(relay);
    act(relay);
    relay.pair.run();
    assert.deepEqual(log.filter((l) => !l.includes("/")), [expected], what);
    assert.equal(client.ended, undefined, what);
  }
});

test("fetch: faults end the session", () => {
  const cases: [string, (r: TestRelay) => void][] = [
    ["ends before its start", (r) => r.request(MessageType.FETCH).send(fetchOk(3, 1))],
    ["two streams", (r) => void [r.fetchStream(), r.fetchStream()]],
    ["cut inside an object", (r) => r.fetchStream().write((w) => w.varint(0x1c).varint(3).varint(2)).fin()],
  ];
  for (const [what, act] of cases) {
    const { relay, client } = connected();
    fetch(relay);
    act(relay);
    relay.pair.run();
    assert.equal(client.closedWith?.code, SessionError.PROTOCOL_VIOLATION, what);
  }
});

test("fetch: cancelled", () => {
  const { relay } = connected();
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

test("after the end nothing is called and nothing is sent", () => {
  const { relay } = connected();
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

test("noise never does more than close the session", () => {
  for (let seed = 1; seed <= 300; seed++) {
    const next = random(seed);
    const { relay, client } = connected();
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
          client.connection.data(1 + Math.floor(next() * 4), noise);
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
