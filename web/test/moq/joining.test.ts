/** Joining a track: the fetch of what was, and the live objects that follow it. */
import assert from "node:assert/strict";
import { PublishDoneCode, RequestError, ResetCode } from "../../src/moq/errors.ts";
import { JOIN_STALL_MS, LINGER_MS } from "../../src/moq/subscription.ts";
import { FilterType } from "../../src/moq/wire/filter.ts";
import { type Fetch, MessageType } from "../../src/moq/wire/types.ts";
import { each, subscribe, type TestRelay } from "./relay.ts";

each("joining: fetched objects, then live ones, in order and once each", (draft) => {
  for (let seed = 1; seed <= 200; seed++) {
    const { relay, recorder, settled } = subscribe({ joinGroups: 1 }, { draft, seed, maxPiece: seed % 3 === 0 ? 0 : 1 + (seed % 7) });
    const { params } = relay.request(MessageType.SUBSCRIBE).request;
    relay.accept(4, { largestObject: { group: 6, object: 2 } });
    if (draft.fill) {
      assert.deepEqual(params.fillParameters, { filter: { type: FilterType.RELATIVE_GROUP, groups: 2 } });
    } else {
      assert.equal(params.fillParameters, undefined);
      const fetch = relay.request(MessageType.FETCH);
      const asked = fetch.request as Fetch & { kind: 2 };
      assert.deepEqual([asked.kind, asked.joiningRequestId, asked.joiningStart], [2, 0, 1]);
      fetch.send({ type: MessageType.FETCH_OK, endOfTrack: false, end: { group: 6, object: 2 }, params: {}, trackProperties: new Uint8Array() });
      fetch.finish();
    }
    const f = relay.joinStream().objects(5, 0, 1).objects(6, 0, 1, 2);
    f.fin();
    const live = relay.subgroup({ trackAlias: 4, group: 6, endOfGroup: true }).objects(2, 3, 4);
    live.fin();
    relay.subgroup({ trackAlias: 4, group: 7 }).objects(0);
    relay.pair.run();
    assert.equal(settled(), "established");
    const of = (group: number) => recorder.log.filter((l) => l.includes(` ${group}`));
    assert.deepEqual(of(5), ["object 5/0", "object 5/1", "end 5 complete"], `seed ${seed}`);
    // A group may be taken for ended before its live stream is here, when one of the next group is.
    assert.deepEqual(of(6).filter((l) => l.startsWith("object")), ["object 6/0", "object 6/1", "object 6/2", "object 6/3", "object 6/4"], `seed ${seed}`);
    assert.deepEqual(of(6).filter((l) => l.startsWith("end")), ["end 6 complete"], `seed ${seed}`);
    assert.deepEqual(of(7), ["object 7/0"], `seed ${seed}`);
  }
});

each("joining: live objects of the current group wait, those of the next do not", (draft) => {
  const { relay, recorder } = subscribe({ joinGroups: 0 }, { draft });
  relay.accept(4, { largestObject: { group: 6, object: 1 } });
  relay.subgroup({ trackAlias: 4, group: 6 }).objects(2);
  relay.subgroup({ trackAlias: 4, group: 7 }).objects(0);
  relay.pair.run();
  assert.deepEqual(recorder.take(), ["object 7/0"]);
  relay.joinStream().objects(6, 0, 1);
  relay.pair.run();
  assert.deepEqual(recorder.take(), ["object 6/0", "object 6/1", "object 6/2"], "released when the fetch has caught up, without its FIN");
});

each("joining: a fetch that fails, stalls or is cut off does not hold the track back", (draft) => {
  const fetches: Record<string, (r: TestRelay) => void> = {
    refused: (r) => r.request(MessageType.FETCH).send({ type: MessageType.REQUEST_ERROR, code: RequestError.INTERNAL_ERROR, reason: "" }),
    cancelled: (r) => r.request(MessageType.FETCH).cancel(ResetCode.INTERNAL_ERROR),
  };
  const ways: Record<string, (r: TestRelay) => void> = {
    ...(draft.fill ? {} : fetches),
    reset: (r) => r.joinStream().objects(6, 0).reset(ResetCode.UNKNOWN_OBJECT_STATUS),
    stalled: (r) => r.pair.advance(JOIN_STALL_MS),
  };
  for (const [name, fail] of Object.entries(ways)) {
    const { relay, recorder } = subscribe({ joinGroups: 0 }, { draft });
    relay.accept(4, { largestObject: { group: 6, object: 1 } });
    const live = relay.subgroup({ trackAlias: 4, group: 6 }).objects(2);
    relay.pair.run();
    fail(relay);
    relay.pair.run();
    assert.ok(recorder.take().includes("object 6/2"), name);
    live.fin();
    relay.subgroup({ trackAlias: 4, group: 7 }).objects(0);
    relay.pair.run();
    assert.deepEqual(recorder.take().sort(), ["end 6 lost", "object 7/0"], name);
    relay.done(PublishDoneCode.TRACK_ENDED, 2);
    relay.pair.advance(LINGER_MS);
    assert.deepEqual(recorder.take(), ["end 7 lost", "done 2 TRACK_ENDED"], name);
  }
});

each("joining: a track without objects starts with its first", (draft) => {
  const { relay, recorder } = subscribe({ joinGroups: 0 }, { draft });
  relay.accept(4);
  if (!draft.fill) relay.request(MessageType.FETCH).send({ type: MessageType.REQUEST_ERROR, code: RequestError.INVALID_RANGE, reason: "" });
  const s = relay.subgroup({ trackAlias: 4, group: 0, endOfGroup: true }).objects(0);
  s.fin();
  relay.pair.run();
  assert.deepEqual(recorder.take(), ["object 0/0", "end 0 complete"]);
});

each("joining: what the publisher does not know makes the group incomplete", (draft) => {
  const { relay, recorder } = subscribe({ joinGroups: 1 }, { draft });
  relay.accept(4, { largestObject: { group: 6, object: 4 } });
  const f = relay.joinStream().objects(5, 0);
  f.item({ kind: "endUnknown", group: 6, id: 2 }).objects(6, 3, 4).fin();
  relay.subgroup({ trackAlias: 4, group: 6, endOfGroup: true }).objects(5).fin();
  relay.pair.run();
  assert.deepEqual(recorder.take(), ["object 5/0", "end 5 lost", "object 6/3", "object 6/4", "object 6/5", "end 6 lost"]);
});

each("joining: a FETCH that overtakes its SUBSCRIBE is made again", (draft) => {
  for (const first of ["fetch", "subscribe"]) {
    const { relay, recorder } = subscribe({ joinGroups: 0 }, { draft });
    const unknown = () => relay.request(MessageType.FETCH).send({ type: MessageType.REQUEST_ERROR, code: RequestError.INVALID_JOINING_REQUEST_ID, reason: "" });
    const steps = [unknown, () => relay.accept(4, { largestObject: { group: 6, object: 1 } })];
    for (const step of first === "fetch" ? steps : steps.reverse()) {
      step();
      relay.pair.run();
    }
    relay.subgroup({ trackAlias: 4, group: 6 }).objects(2);
    relay.pair.run();
    assert.deepEqual(recorder.take(), [], "still held");
    relay.requests.splice(relay.requests.findIndex((r) => r.request.type === MessageType.FETCH), 1);
    relay.joinStream().objects(6, 0, 1).fin();
    relay.pair.run();
    assert.deepEqual(recorder.take(), ["object 6/0", "object 6/1", "object 6/2"], first);
  }
}, (draft) => draft.joiningFetch);

each("joining: a fill counts among the streams that PUBLISH_DONE announces", (draft) => {
  const { relay, recorder } = subscribe({ joinGroups: 0 }, { draft });
  relay.accept(4, { largestObject: { group: 6, object: 1 } });
  relay.subgroup({ trackAlias: 4, group: 6, endOfGroup: true }).objects(2).fin();
  relay.done(PublishDoneCode.TRACK_ENDED, 2);
  relay.pair.run();
  assert.deepEqual(recorder.take(), []);
  relay.joinStream().objects(6, 0, 1).fin();
  relay.pair.run();
  assert.deepEqual(recorder.take(), ["object 6/0", "object 6/1", "object 6/2", "end 6 complete", "done 2 TRACK_ENDED"]);
}, (draft) => draft.fill);

each("joining: what timed out makes the group incomplete too", (draft) => {
  const { relay, recorder } = subscribe({ joinGroups: 0 }, { draft });
  relay.accept(4, { largestObject: { group: 6, object: 4 } });
  relay.joinStream().item({ kind: "endTimedOut", group: 6, id: 3 }).objects(6, 4).fin();
  relay.subgroup({ trackAlias: 4, group: 6, endOfGroup: true }).objects(5).fin();
  relay.pair.run();
  assert.deepEqual(recorder.take(), ["object 6/4", "object 6/5", "end 6 lost"]);
}, (draft) => draft.timedOutRange);
