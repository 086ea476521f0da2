/** The ways of requests: their limit in draft 16, and a PUBLISH from its beginning to its end in each draft. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { PublishDoneCode, RequestError, ResetCode } from "../../src/moq/errors.ts";
import { NamespaceWatch } from "../../src/moq/namespaces.ts";
import type { IncomingRequest, OutgoingRequest } from "../../src/moq/requests.ts";
import { TrackSubscription } from "../../src/moq/subscription.ts";
import { DRAFT_16, type Draft } from "../../src/moq/wire/draft.ts";
import { decodeMessage, encodeMessage } from "../../src/moq/wire/messages.ts";
import { Reader } from "../../src/moq/wire/buffer.ts";
import { type Message, MessageType, messageName, type Setup } from "../../src/moq/wire/types.ts";
import { Connection } from "../../src/moq/connection.ts";
import { each, Recorder, TestRelay, text, track } from "./relay.ts";

const none = new Uint8Array();
const name = { namespace: [text(0, 0)], name: text(0, 1) };
const ok: Message = { type: MessageType.REQUEST_OK, params: {}, trackProperties: none };

/** A client of draft 16 and the bytes that it writes, by hand. */
class Client16 {
  readonly connection = new Connection({ role: "client", draft: DRAFT_16, implementation: "test", now: () => 0 });

  /** What it has sent since: the names of messages with their IDs, and what it did to streams that are not the control stream. */
  take(): string[] {
    return this.connection.takeActions().flatMap((a) => {
      if (a.kind !== "write") return "stream" in a && a.stream !== 0 ? [`${a.kind} ${a.stream}`] : [];
      const r = new Reader(a.bytes, DRAFT_16);
      const m = decodeMessage(r);
      assert.equal(r.remaining, 0);
      const id = "requestId" in m ? ` ${m.requestId}` : "maxRequestId" in m ? ` ${m.maxRequestId}` : "";
      return [`${messageName(m.type)}${id}${a.stream === 0 ? "" : ` on ${a.stream}`}`];
    });
  }

  hear(m: Message): void {
    this.connection.data(0, encodeMessage(m, DRAFT_16));
  }
}

const quiet = { established() {}, failed() {} };

test("draft 16: requests wait for the limit of the relay, and are sent in sequence", () => {
  const c = new Client16();
  assert.deepEqual(c.take(), ["SETUP 129"]);
  const subscription = new TrackSubscription(c.connection, track, {}, new Recorder(), quiet);
  const watch = new NamespaceWatch(c.connection, ["live"], { add() {}, remove() {}, error() {} });
  new TrackSubscription(c.connection, track, { joinGroups: 0 }, new Recorder(), quiet);
  assert.deepEqual(c.take(), [], "before the SETUP of the relay the limit is 0");
  c.hear({ type: MessageType.SETUP, server: true, maxRequestId: 2 });
  assert.deepEqual(c.take(), ["SUBSCRIBE 0", "REQUESTS_BLOCKED 2"]);
  subscription.close();
  assert.deepEqual(c.take(), ["UNSUBSCRIBE 0"], "what is about a request that was sent does not wait");
  watch.close();
  assert.deepEqual(c.take(), [], "an ID must not be missing, so the request is made and then given up");
  c.hear({ type: MessageType.MAX_REQUEST_ID, requestId: 5 });
  assert.deepEqual(c.take(), ["openBidi 1", "SUBSCRIBE_NAMESPACE 2 on 1", "stop 1", "reset 1", "SUBSCRIBE 4", "REQUESTS_BLOCKED 5"]);
  c.hear({ type: MessageType.MAX_REQUEST_ID, requestId: 100 });
  assert.deepEqual(c.take(), ["FETCH 6"]);
  c.hear({ type: MessageType.REQUESTS_BLOCKED, maxRequestId: 129 });
  assert.equal(c.connection.closed, undefined);
});

test("draft 16: answers to what was given up are for nobody", () => {
  const c = new Client16();
  c.hear({ type: MessageType.SETUP, server: true, maxRequestId: 10 });
  const recorder = new Recorder();
  const subscription = new TrackSubscription(c.connection, track, { joinGroups: 0 }, recorder, quiet);
  subscription.close();
  c.take();
  c.hear({ type: MessageType.SUBSCRIBE_OK, requestId: 0, trackAlias: 1, params: {}, trackProperties: none });
  c.hear({ type: MessageType.FETCH_OK, requestId: 2, endOfTrack: false, end: { group: 0, object: 0 }, params: {}, trackProperties: none });
  c.hear({ type: MessageType.PUBLISH_DONE, requestId: 0, code: PublishDoneCode.TRACK_ENDED, streamCount: 0, reason: "" });
  assert.deepEqual([c.connection.closed, c.take(), recorder.take()], [undefined, [], []]);
});

test("draft 16: the relay may make more requests when some are over", () => {
  const relay = new TestRelay({ draft: DRAFT_16 });
  let answers = 0;
  for (let i = 0; i < 500; i++) {
    const user = { message: (m: Message) => void (m.type === MessageType.REQUEST_ERROR && answers++), ended() {}, closed() {} };
    relay.server.openRequest((requestId) => ({ type: MessageType.PUBLISH_NAMESPACE, requestId, namespace: [text(0, i)], params: {} }), user);
  }
  relay.pair.run();
  assert.equal(answers, 500);
  assert.deepEqual([relay.clientEnd.ended, relay.pair.server.ended], [undefined, undefined]);
});

test("draft 16: an update of a request that is over is answered", () => {
  const c = new Client16();
  c.hear({ type: MessageType.SETUP, server: true, maxRequestId: 10 });
  c.hear({ type: MessageType.PUBLISH, requestId: 1, track: name, trackAlias: 1, params: {}, trackProperties: none });
  c.take();
  c.hear({ type: MessageType.REQUEST_UPDATE, requestId: 3, existingId: 1, params: {} });
  assert.deepEqual(c.take(), ["REQUEST_ERROR 3"]);
  assert.equal(c.connection.closed, undefined);
});

/** A PUBLISH of the relay that the client takes. */
function published(draft: Draft) {
  const log: string[] = [];
  let taken: IncomingRequest | undefined;
  const onRequest = (r: IncomingRequest) => {
    taken = r;
    r.onMessage = (m) => log.push(`client: ${messageName(m.type)}`);
    r.onEnded = (code) => log.push(`client: ended ${code}`);
  };
  const relay = new TestRelay({ draft, client: { onRequest } });
  relay.pair.run();
  const user = { message: (m: Message) => void log.push(`relay: ${messageName(m.type)}`), ended: (code?: number) => void log.push(`relay: ended ${code}`), closed() {} };
  const publish: OutgoingRequest = relay.server.openRequest((requestId) => ({ type: MessageType.PUBLISH, requestId, track: name, trackAlias: 7, params: {}, trackProperties: none }), user);
  relay.pair.run();
  assert.ok(taken !== undefined);
  const incoming = taken;
  return { relay, publish, incoming, take: () => (relay.pair.run(), log.splice(0)) };
}

each("publish: accepted, updated by both sides, done", (draft) => {
  const { relay, publish, incoming, take } = published(draft);
  incoming.send(ok);
  assert.deepEqual(take(), ["relay: REQUEST_OK"]);
  incoming.send({ type: MessageType.REQUEST_UPDATE, requestId: relay.client.takeRequestId(), params: { subscriberPriority: 1 } });
  assert.deepEqual(take(), ["relay: REQUEST_UPDATE"]);
  publish.send(ok);
  assert.deepEqual(take(), ["client: REQUEST_OK"]);
  publish.send({ type: MessageType.REQUEST_UPDATE, requestId: relay.server.takeRequestId(), params: {} });
  assert.deepEqual(take(), ["client: REQUEST_UPDATE"]);
  incoming.send(ok);
  assert.deepEqual(take(), ["relay: REQUEST_OK"]);
  publish.send({ type: MessageType.PUBLISH_DONE, code: PublishDoneCode.TRACK_ENDED, streamCount: 0, reason: "" });
  publish.finish();
  assert.deepEqual(take(), ["client: PUBLISH_DONE", "client: ended undefined"]);
  assert.deepEqual([relay.clientEnd.ended, relay.pair.server.ended], [undefined, undefined]);
});

each("publish: refused, and given up by either side", (draft) => {
  const refused = published(draft);
  refused.incoming.send({ type: MessageType.REQUEST_ERROR, code: RequestError.UNINTERESTED, reason: "" });
  refused.incoming.finish();
  assert.deepEqual(refused.take().filter((l) => l.startsWith("relay")), ["relay: REQUEST_ERROR", "relay: ended undefined"]);

  const left = published(draft);
  left.incoming.send(ok);
  left.take();
  left.incoming.cancel(ResetCode.CANCELLED);
  assert.deepEqual(left.take(), [`relay: ended ${ResetCode.CANCELLED}`]);

  const unanswered = published(draft);
  unanswered.incoming.cancel(ResetCode.INTERNAL_ERROR);
  assert.equal(unanswered.take().filter((l) => l.startsWith("relay: ended")).length, 1);

  const withdrawn = published(draft);
  withdrawn.incoming.send(ok);
  withdrawn.take();
  withdrawn.publish.cancel();
  const said = withdrawn.take();
  assert.deepEqual(said, draft.controlStream ? ["client: PUBLISH_DONE", "client: ended undefined"] : [`client: ended ${ResetCode.CANCELLED}`]);
  for (const { relay } of [refused, left, unanswered, withdrawn]) assert.deepEqual([relay.clientEnd.ended, relay.pair.server.ended], [undefined, undefined]);
});

each("namespaces of the relay: announced, refused, withdrawn and revoked", (draft) => {
  const log: string[] = [];
  const taken: IncomingRequest[] = [];
  const onRequest = (r: IncomingRequest) => {
    taken.push(r);
    r.onEnded = (code) => log.push(`client: ended ${code}`);
  };
  const relay = new TestRelay({ draft, client: { onRequest } });
  const user = { message: (m: Message) => void log.push(`relay: ${messageName(m.type)}`), ended: (code?: number) => void log.push(`relay: ended ${code}`), closed() {} };
  const announce = () => {
    const r = relay.server.openRequest((requestId) => ({ type: MessageType.PUBLISH_NAMESPACE, requestId, namespace: [text(0, 0)], params: {} }), user);
    relay.pair.run();
    const incoming = taken.at(-1) as IncomingRequest;
    incoming.send(ok);
    relay.pair.run();
    assert.deepEqual(log.splice(0), ["relay: REQUEST_OK"]);
    return { r, incoming };
  };
  announce().r.cancel();
  relay.pair.run();
  assert.deepEqual(log.splice(0), [draft.controlStream ? "client: ended undefined" : `client: ended ${ResetCode.CANCELLED}`]);
  announce().incoming.cancel(ResetCode.CANCELLED);
  relay.pair.run();
  assert.deepEqual(log.splice(0), [`relay: ended ${ResetCode.CANCELLED}`]);
  assert.deepEqual([relay.clientEnd.ended, relay.pair.server.ended], [undefined, undefined]);
});

each("SETUP: options of each draft reach the other side", (draft) => {
  const setups: Setup[] = [];
  const relay = new TestRelay({ draft, client: { maxRequestUpdates: 3 }, server: { onSetup: (m) => setups.push(m) } });
  relay.pair.run();
  const [m] = setups;
  assert.equal(m?.implementation, "test");
  assert.equal(m?.maxRequestUpdates, draft.requestUpdateLimit ? 3 : undefined);
  assert.equal(m?.maxRequestId, draft.controlStream ? 129 : undefined);
  // Drafts without the option carry it as one that is not known, or not at all.
  assert.equal(relay.server.maxRequestUpdates, draft.requestUpdateLimit ? 3 : 0);
});
