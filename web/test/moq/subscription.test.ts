/** Conversations about one track between a client and a scripted relay, in each draft. */
import assert from "node:assert/strict";
import { MoqError, PublishDoneCode, RequestError, ResetCode, SessionError } from "../../src/moq/errors.ts";
import { PARK_MS } from "../../src/moq/datastreams.ts";
import { MAX_OBJECT_SIZE } from "../../src/moq/parsers.ts";
import { LINGER_MS, TrackSubscription } from "../../src/moq/subscription.ts";
import { encodeDatagram } from "../../src/moq/wire/datagram.ts";
import type { Draft } from "../../src/moq/wire/draft.ts";
import { FilterType } from "../../src/moq/wire/filter.ts";
import { encodeKeyValues } from "../../src/moq/wire/properties.ts";
import { MessageType, type Subscribe, UNKNOWN_STREAM_COUNT } from "../../src/moq/wire/types.ts";
import { each, Recorder, subscribe, type TestRelay, text, track } from "./relay.ts";

function rejected(settled: unknown, code: number): MoqError {
  assert.ok(settled instanceof MoqError, String(settled));
  assert.equal(settled.kind, "request");
  assert.equal(settled.code, code);
  return settled;
}

each("subscribe: request, answer, live objects, orderly end", (draft) => {
  const { relay, recorder, subscription, settled } = subscribe({ priority: 3 }, { draft });
  const request = relay.request(MessageType.SUBSCRIBE).request as Subscribe;
  assert.equal(request.requestId, 0);
  assert.deepEqual(request.track.namespace.map((f) => new TextDecoder().decode(f)), ["live", "room"]);
  assert.deepEqual(request.params, { filter: { type: FilterType.LARGEST_OBJECT }, subscriberPriority: 3 });
  const properties = encodeKeyValues([{ type: 0x0e, value: 9 }, { type: 0x3801, value: text(1, 1) }]);
  relay.accept(4, { largestObject: { group: 6, object: 2 } }, properties);
  relay.pair.run();
  assert.equal(settled(), "established");
  assert.deepEqual(subscription.largest, { group: 6, object: 2 });
  assert.deepEqual(subscription.properties, [{ type: 0x0e, value: 9 }, { type: 0x3801, value: text(1, 1) }]);

  const s = relay.subgroup({ trackAlias: 4, group: 7, endOfGroup: true, hasProperties: true });
  s.object(0, text(7, 0), { properties: encodeKeyValues([{ type: 0x10, value: 5 }, { type: 0x0b, value: encodeKeyValues([{ type: 0x12, value: 6 }]) }]) });
  s.objects(1);
  s.fin();
  relay.pair.run();
  assert.deepEqual(recorder.take(), ["object 7/0", "object 7/1", "end 7 complete"]);
  const [first] = recorder.objects;
  assert.deepEqual(first, {
    group: 7, subgroup: 0, object: 0, priority: 9, status: 0, payload: text(7, 0), arrivedAt: 1000,
    properties: [{ type: 0x10, value: 5 }, { type: 0x12, value: 6 }],
  });
  relay.done(PublishDoneCode.TRACK_ENDED, 1, "bye");
  relay.pair.run();
  assert.deepEqual(recorder.take(), ["done 2 bye"]);
  assert.equal(relay.clientEnd.ended, undefined);
});

each("subscribe: the subgroup of a stream is its first object's, and its own priority counts", (draft) => {
  const { relay, recorder } = subscribe({}, { draft });
  relay.accept(1);
  relay.subgroup({ trackAlias: 1, group: 0, mode: "firstObject", priority: 200 }).objects(5, 9);
  relay.subgroup({ trackAlias: 1, group: 1, mode: "explicit", subgroup: 8 }).objects(0);
  relay.pair.run();
  const inOrder = recorder.objects.sort((a, b) => a.group - b.group);
  assert.deepEqual(inOrder.map((o) => [o.subgroup, o.priority]), [[5, 200], [5, 200], [8, 128]]);
});

each("subscribe: refused, with and without a second try, redirected, and unanswered", (draft) => {
  const cases: { answer: (relay: TestRelay) => void; code: number; check?: (e: MoqError) => void; in?: (d: Draft) => boolean }[] = [
    {
      answer: (r) => r.request(MessageType.SUBSCRIBE).send({ type: MessageType.REQUEST_ERROR, code: 0x10, retryInterval: 1500, reason: "not live" }),
      code: RequestError.DOES_NOT_EXIST,
      check: (e) => assert.deepEqual([e.message, e.retryAfterMs], ["DOES_NOT_EXIST: not live", 1500]),
    },
    {
      answer: (r) => r.request(MessageType.SUBSCRIBE).send({ type: MessageType.REQUEST_ERROR, code: 0x9d, reason: "" }),
      code: RequestError.INTERNAL_ERROR,
      check: (e) => assert.equal(e.retryAfterMs, undefined),
    },
    {
      answer: (r) =>
        r.request(MessageType.SUBSCRIBE).send({
          type: MessageType.REQUEST_ERROR, code: RequestError.REDIRECT, reason: "", redirect: { uri: "https://b", track: { namespace: [text(0, 0)], name: text(1, 1) } },
        }),
      in: (d) => d.redirect,
      code: RequestError.REDIRECT,
      check: (e) => assert.deepEqual(e.redirect, { uri: "https://b", namespace: ["0/0"], name: "1/1" }),
    },
    { in: (d) => !d.controlStream, answer: (r) => r.request(MessageType.SUBSCRIBE).finish(), code: RequestError.INTERNAL_ERROR },
    { in: (d) => !d.controlStream, answer: (r) => r.request(MessageType.SUBSCRIBE).cancel(ResetCode.GOING_AWAY), code: RequestError.GOING_AWAY },
    { in: (d) => d.mandatoryProperties, answer: (r) => r.accept(1, {}, encodeKeyValues([{ type: 0x4000, value: 1 }])), code: RequestError.UNSUPPORTED_EXTENSION },
    { answer: (r) => r.accept(1, {}, encodeKeyValues([{ type: 0x0b, value: Uint8Array.of(0x80) }])), code: RequestError.MALFORMED_TRACK },
  ];
  for (const c of cases) {
    if (c.in?.(draft) === false) continue;
    const { relay, recorder, settled } = subscribe({}, { draft });
    c.answer(relay);
    relay.pair.run();
    c.check?.(rejected(settled(), c.code));
    // Nothing of it is left: its alias is not known.
    relay.subgroup({ trackAlias: 1, group: 0 }).objects(0);
    relay.pair.advance(PARK_MS);
    assert.deepEqual(recorder.take(), []);
    assert.equal(relay.clientEnd.ended, undefined);
  }
});

each("streams and datagrams that overtake SUBSCRIBE_OK wait for it", (draft) => {
  const { relay, recorder } = subscribe({}, { draft });
  const s = relay.subgroup({ trackAlias: 4, group: 1 });
  for (let i = 0; i < 50; i++) s.objects(i);
  s.fin();
  relay.client.datagram(encodeDatagram({ trackAlias: 4, group: 2, id: 0, endOfGroup: false, status: 0, properties: new Uint8Array(), payload: text(2, 0) }, draft));
  relay.client.datagram(encodeDatagram({ trackAlias: 5, group: 2, id: 0, endOfGroup: false, status: 0, properties: new Uint8Array(), payload: text(2, 0) }, draft));
  relay.pair.run();
  assert.deepEqual(recorder.take(), []);
  relay.accept(4);
  relay.pair.run();
  assert.deepEqual(recorder.take().filter((l) => l.startsWith("object 1/")).length, 50);
  assert.equal(recorder.objects.filter((o) => o.group === 2).length, 1);
});

each("streams that nothing explains are turned away", (draft) => {
  const { relay } = subscribe({}, { draft });
  const s = relay.subgroup({ trackAlias: 99, group: 1 }).objects(0);
  relay.pair.run();
  assert.equal(s.stoppedWith, undefined);
  relay.pair.advance(PARK_MS);
  assert.equal(s.stoppedWith, ResetCode.CANCELLED);
  relay.accept(4);
  relay.pair.run();
  const late = relay.subgroup({ trackAlias: 98, group: 1 }).objects(0);
  relay.pair.run();
  assert.equal(late.stoppedWith, ResetCode.CANCELLED, "no SUBSCRIBE is unanswered: at once");
});

each("groups: reset streams, statuses, several subgroups", (draft) => {
  const { relay, recorder } = subscribe({}, { draft });
  relay.accept(4);
  const a = relay.subgroup({ trackAlias: 4, group: 0 }).objects(0);
  relay.pair.run();
  a.reset(ResetCode.DELIVERY_TIMEOUT);
  relay.pair.run();
  assert.deepEqual(recorder.take(), ["object 0/0", "end 0 lost"]);

  const b = relay.subgroup({ trackAlias: 4, group: 1 }).objects(0).object(1, new Uint8Array(), { status: 3 });
  relay.pair.run();
  assert.deepEqual(recorder.take(), ["object 1/0", "object 1/1"]);
  assert.equal(recorder.objects.at(-1)?.status, 3);
  b.fin();
  relay.pair.run();
  assert.deepEqual(recorder.take(), ["end 1 complete"]);

  const even = relay.subgroup({ trackAlias: 4, group: 2, mode: "zero" });
  const odd = relay.subgroup({ trackAlias: 4, group: 2, mode: "explicit", subgroup: 1, endOfGroup: true });
  relay.pair.run();
  even.objects(0, 2, 4);
  relay.pair.run();
  assert.deepEqual(recorder.take(), ["object 2/0"], "1 may still come");
  odd.objects(1, 3);
  relay.pair.run();
  assert.deepEqual(recorder.take(), ["object 2/1", "object 2/2", "object 2/3", "object 2/4"]);
  even.objects(6);
  odd.objects(7);
  relay.pair.advance(100);
  assert.deepEqual(recorder.take(), ["object 2/6", "object 2/7"], "a gap is not waited for much longer");
  even.fin();
  odd.fin();
  relay.pair.run();
  assert.deepEqual(recorder.take(), ["end 2 complete"]);
});

each("groups: without a mark, one ends when a newer began and nothing of it is open", (draft) => {
  const { relay, recorder } = subscribe({}, { draft });
  relay.accept(4);
  const a = relay.subgroup({ trackAlias: 4, group: 0 }).objects(0);
  relay.subgroup({ trackAlias: 4, group: 1 }).objects(0);
  relay.pair.run();
  assert.deepEqual(recorder.take().sort(), ["object 0/0", "object 1/0"]);
  a.fin();
  relay.pair.run();
  assert.deepEqual(recorder.take(), ["end 0 complete"]);
});

each("datagrams: as they come, once each", (draft) => {
  const { relay, recorder } = subscribe({}, { draft });
  relay.accept(4);
  relay.pair.run();
  for (const id of [1, 0, 1, 2]) {
    relay.client.datagram(encodeDatagram({ trackAlias: 4, group: 3, id, endOfGroup: false, status: 0, priority: 1, properties: new Uint8Array(), payload: text(3, id) }, draft));
  }
  assert.deepEqual(recorder.take(), ["object 3/1", "object 3/0", "object 3/2"]);
});

each("PUBLISH_DONE waits for the announced streams, and not for ever", (draft) => {
  const { relay, recorder } = subscribe({}, { draft });
  relay.accept(4);
  relay.pair.run();
  relay.done(PublishDoneCode.TRACK_ENDED, 1);
  relay.pair.run();
  assert.deepEqual(recorder.take(), []);
  const s = relay.subgroup({ trackAlias: 4, group: 0, endOfGroup: true }).objects(0);
  relay.pair.run();
  assert.deepEqual(recorder.take(), ["object 0/0"]);
  s.fin();
  relay.pair.run();
  assert.deepEqual(recorder.take(), ["end 0 complete", "done 2 TRACK_ENDED"]);

  const other = subscribe({}, { draft });
  other.relay.accept(4);
  const open = other.relay.subgroup({ trackAlias: 4, group: 0 }).objects(0);
  other.relay.pair.run();
  other.relay.done(0x9d, UNKNOWN_STREAM_COUNT);
  other.relay.pair.advance(LINGER_MS - 1);
  assert.deepEqual(other.recorder.take(), ["object 0/0"]);
  other.relay.pair.advance(1);
  assert.deepEqual(other.recorder.take(), ["end 0 lost", "done 0 0x9d"]);
  assert.equal(open.stoppedWith, ResetCode.CANCELLED);
});

each("the alias of a track that is done may be another's", (draft) => {
  const { relay, recorder } = subscribe({}, { draft });
  relay.accept(4);
  relay.pair.run();
  relay.done(PublishDoneCode.TRACK_ENDED, UNKNOWN_STREAM_COUNT);
  relay.pair.run();
  const second = new Recorder();
  const failed = (e: MoqError) => assert.fail(e);
  new TrackSubscription(relay.client, { ...track, name: "audio" }, {}, second, { established() {}, failed });
  relay.requests.length = 0;
  relay.accept(4);
  relay.subgroup({ trackAlias: 4, group: 0 }).objects(0);
  relay.pair.run();
  assert.deepEqual(recorder.take(), ["done 2 TRACK_ENDED"]);
  assert.deepEqual(second.take(), ["object 0/0"]);
});

each("two tracks with one alias end the session", (draft) => {
  const { relay, recorder } = subscribe({}, { draft });
  relay.accept(4);
  relay.pair.run();
  new TrackSubscription(relay.client, { ...track, name: "audio" }, {}, new Recorder(), { established() {}, failed() {} });
  relay.requests.length = 0;
  relay.accept(4);
  relay.pair.run();
  assert.equal(relay.clientEnd.closedWith?.code, SessionError.DUPLICATE_TRACK_ALIAS);
  assert.match(recorder.take().at(-1) ?? "", /^done 0 DUPLICATE_TRACK_ALIAS/);
});

each("a cancelled request ends the track with words", (draft) => {
  const cases: [(r: TestRelay) => void, RegExp][] = [[(r) => r.request(MessageType.SUBSCRIBE).cancel(ResetCode.INTERNAL_ERROR), /^done 0 .*INTERNAL_ERROR/]];
  if (!draft.controlStream) {
    cases.push([(r) => r.request(MessageType.SUBSCRIBE).cancel(ResetCode.GOING_AWAY), /^done 4 .*GOING_AWAY/]);
    cases.push([(r) => r.request(MessageType.SUBSCRIBE).finish(), /^done 0 .*without saying why/]);
  }
  for (const [end, expected] of cases) {
    const { relay, recorder } = subscribe({}, { draft });
    relay.accept(4);
    relay.pair.run();
    end(relay);
    relay.pair.advance(LINGER_MS);
    const log = recorder.take();
    assert.equal(log.length, 1);
    assert.match(log[0] as string, expected);
  }
});

each("close: the publisher hears it, the handler hears nothing more", (draft) => {
  for (const when of ["pending", "established", "callback"]) {
    const { relay, recorder, subscription, settled } = subscribe({ joinGroups: 0 }, { draft });
    const request = relay.request(MessageType.SUBSCRIBE);
    if (when === "pending") subscription.close();
    relay.accept(4, { largestObject: { group: 0, object: 9 } });
    const open = relay.subgroup({ trackAlias: 4, group: 1 });
    if (when === "callback") {
      recorder.onObject = () => subscription.close();
      open.objects(0, 1, 2).object(3, new Uint8Array(), { status: 3 });
      relay.done(PublishDoneCode.TRACK_ENDED, 1);
    }
    relay.pair.run();
    if (when === "established") subscription.close();
    relay.pair.run();
    open.objects(5);
    relay.pair.advance(PARK_MS);
    assert.deepEqual(recorder.take(), [], when);
    assert.equal(open.stoppedWith, ResetCode.CANCELLED, when);
    assert.equal(request.endedWith, ResetCode.CANCELLED, when);
    assert.equal(settled(), when === "pending" ? undefined : "established");
    assert.equal(relay.clientEnd.ended, undefined, when);
  }
});

each("close, then subscribe again with the same alias before the answer: streams are not lost", (draft) => {
  const { relay, subscription } = subscribe({}, { draft });
  relay.accept(4);
  relay.pair.run();
  subscription.close();
  const second = new Recorder();
  new TrackSubscription(relay.client, track, {}, second, { established() {}, failed() {} });
  relay.subgroup({ trackAlias: 4, group: 3 }).objects(0);
  relay.pair.run();
  relay.requests.shift();
  relay.accept(4);
  relay.pair.run();
  assert.deepEqual(second.take(), ["object 3/0"]);
});

each("malformed tracks end, the session lives on", (draft) => {
  const blocks = { "two immutable": [{ type: 0x0b, value: new Uint8Array() }, { type: 0x0b, value: new Uint8Array() }], mandatory: [{ type: 0x4001, value: new Uint8Array() }] };
  for (const [name, pairs] of Object.entries(blocks)) {
    if (name === "mandatory" && !draft.mandatoryProperties) continue;
    const { relay, recorder } = subscribe({}, { draft });
    relay.accept(4);
    relay.subgroup({ trackAlias: 4, group: 0, hasProperties: true }).object(0, text(0, 0), { properties: encodeKeyValues(pairs) });
    relay.pair.run();
    assert.match(recorder.take().at(-1) ?? "", /^done 18 /, name);
    assert.equal(relay.clientEnd.ended, undefined, name);
  }
});

each("an object that is too large costs its stream only", (draft) => {
  const { relay, recorder } = subscribe({}, { draft });
  relay.accept(4);
  const s = relay.subgroup({ trackAlias: 4, group: 0 }).objects(0);
  s.write((w) => w.varint(0).varint(MAX_OBJECT_SIZE + 1));
  relay.subgroup({ trackAlias: 4, group: 1 }).objects(0);
  relay.pair.run();
  assert.deepEqual(recorder.take().sort(), ["end 0 lost", "object 0/0", "object 1/0"]);
  // Draft 16 has no such code.
  assert.equal(s.stoppedWith, draft.controlStream ? ResetCode.INTERNAL_ERROR : ResetCode.EXCESSIVE_LOAD);
});

each("GOAWAY on the request stream is told; a second one is a fault", (draft) => {
  const { relay, recorder } = subscribe({}, { draft });
  relay.accept(4);
  const request = relay.request(MessageType.SUBSCRIBE);
  request.send({ type: MessageType.GOAWAY, uri: "https://b", timeout: 500 });
  relay.pair.run();
  assert.deepEqual(recorder.take(), ["goaway https://b 500"]);
  request.send({ type: MessageType.GOAWAY, uri: "", timeout: 0 });
  relay.pair.run();
  assert.equal(relay.clientEnd.closedWith?.code, SessionError.PROTOCOL_VIOLATION);
}, (draft) => !draft.controlStream);
