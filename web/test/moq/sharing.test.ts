/** Several subscriptions of one track in a session (moqt-19 §5.1). */
import assert from "node:assert/strict";
import { PublishDoneCode, ResetCode } from "../../src/moq/errors.ts";
import { LINGER_MS, TrackSubscription } from "../../src/moq/subscription.ts";
import { encodeDatagram } from "../../src/moq/wire/datagram.ts";
import { MessageType } from "../../src/moq/wire/types.ts";
import { each, Recorder, subscribe, text, track } from "./relay.ts";

each("two subscriptions of a track may share an alias: each gets its objects once", (draft) => {
  const { relay, recorder } = subscribe({}, { draft });
  relay.accept(4, { largestObject: { group: 1, object: 5 } });
  relay.pair.run();
  const second = new Recorder();
  new TrackSubscription(relay.client, track, { filter: "nextGroup" }, second, { established() {}, failed() {} });
  relay.pair.run();
  const first = relay.requests.shift();
  relay.accept(4, { largestObject: { group: 1, object: 5 } });
  relay.pair.run();
  relay.subgroup({ trackAlias: 4, group: 1 }).objects(6).fin();
  for (let i = 0; i < 2; i++) {
    relay.subgroup({ trackAlias: 4, group: 2, endOfGroup: true }).objects(0, 1).fin();
    relay.client.datagram(encodeDatagram({ trackAlias: 4, group: 3, id: 0, endOfGroup: false, status: 0, properties: new Uint8Array(), payload: text(3, 0) }, draft));
  }
  relay.pair.run();
  const objects = (r: Recorder) => r.objects.map((o) => `${o.group}/${o.object}`).sort();
  assert.deepEqual(objects(recorder), ["1/6", "2/0", "2/1", "3/0"]);
  assert.deepEqual(objects(second), ["2/0", "2/1", "3/0"]);
  for (const r of [first, relay.requests[0]]) r?.send({ type: MessageType.PUBLISH_DONE, code: PublishDoneCode.TRACK_ENDED, streamCount: 2, reason: "" });
  relay.pair.advance(LINGER_MS);
  assert.equal(recorder.take().at(-1), "done 2 TRACK_ENDED");
  assert.equal(second.take().at(-1), "done 2 TRACK_ENDED");
  assert.equal(relay.clientEnd.ended, undefined);
}, (draft) => draft.sharedTracks);

each("one of two subscriptions with a shared alias is closed: the other one's streams go on", (draft) => {
  const { relay, recorder, subscription } = subscribe({}, { draft });
  relay.accept(4);
  relay.pair.run();
  const second = new Recorder();
  const other = new TrackSubscription(relay.client, track, {}, second, { established() {}, failed() {} });
  relay.pair.run();
  relay.requests.shift();
  relay.accept(4);
  relay.pair.run();
  const s = relay.subgroup({ trackAlias: 4, group: 1, endOfGroup: true }).objects(0);
  relay.pair.run();
  subscription.close();
  s.objects(1);
  relay.pair.run();
  assert.equal(s.stoppedWith, undefined);
  assert.deepEqual([recorder.take(), second.take()], [["object 1/0"], ["object 1/0", "object 1/1"]]);
  other.close();
  relay.pair.run();
  assert.equal(s.stoppedWith, ResetCode.CANCELLED, "now nobody wants it");
}, (draft) => draft.sharedTracks);
