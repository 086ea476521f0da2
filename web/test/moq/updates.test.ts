/** Updates of a subscription, by the client and by the relay. */
import assert from "node:assert/strict";
import { MoqError, PublishDoneCode, RequestError, SessionError } from "../../src/moq/errors.ts";
import { MessageType, type RequestUpdate } from "../../src/moq/wire/types.ts";
import { each, subscribe } from "./relay.ts";

each("update: accepted, refused, and many refused at once", async (draft) => {
  const { relay, recorder, subscription } = subscribe({}, { draft });
  await assert.rejects(subscription.update({ forward: false }), /not established/);
  relay.accept(4);
  relay.pair.run();
  const request = relay.request(MessageType.SUBSCRIBE);
  const accepted = subscription.update({ forward: false, priority: 7 });
  relay.pair.run();
  assert.deepEqual((request.messages[0] as RequestUpdate).params, { forward: false, subscriberPriority: 7 });
  assert.equal((request.messages[0] as RequestUpdate).requestId, 2);
  request.send({ type: MessageType.REQUEST_OK, params: { largestObject: { group: 1, object: 1 } }, trackProperties: new Uint8Array() });
  relay.pair.run();
  await accepted;
  const refused = [subscription.update({ forward: true }), subscription.update({ priority: 1 })];
  relay.pair.run();
  request.send({ type: MessageType.REQUEST_ERROR, code: RequestError.INVALID_RANGE, reason: "" });
  relay.done(PublishDoneCode.UPDATE_FAILED, 0);
  relay.pair.run();
  for (const r of refused) await assert.rejects(r, (e) => e instanceof MoqError && e.code === RequestError.INVALID_RANGE);
  assert.deepEqual(recorder.take(), ["done 8 UPDATE_FAILED"]);
});

each("PUBLISH_STATE_NOTIFY is taken note of, in its place", (draft) => {
  const { relay, recorder } = subscribe({}, { draft });
  relay.accept(4);
  const request = relay.request(MessageType.SUBSCRIBE);
  request.send({ type: MessageType.PUBLISH_STATE_NOTIFY, params: { largestObject: { group: 1, object: 2 } } });
  relay.subgroup({ trackAlias: 4, group: 1 }).objects(3);
  relay.pair.run();
  assert.deepEqual(recorder.take(), ["object 1/3"]);
  const early = subscribe({}, { draft });
  early.relay.request(MessageType.SUBSCRIBE).send({ type: MessageType.PUBLISH_STATE_NOTIFY, params: {} });
  early.relay.pair.run();
  assert.equal(early.relay.clientEnd.closedWith?.code, SessionError.PROTOCOL_VIOLATION);
}, (draft) => draft.stateNotify);

each("no more updates are unanswered than the relay allows", async (draft) => {
  const { relay, subscription } = subscribe({}, { draft, server: { maxRequestUpdates: 2 } });
  relay.accept(4);
  const request = relay.request(MessageType.SUBSCRIBE);
  relay.pair.run();
  const updates = [1, 2, 3].map((priority) => subscription.update({ priority }));
  relay.pair.run();
  assert.equal(request.messages.length, draft.requestUpdateLimit ? 2 : 3);
  for (let i = 0; i < 3; i++) {
    request.send({ type: MessageType.REQUEST_OK, params: {}, trackProperties: new Uint8Array() });
    relay.pair.run();
  }
  await Promise.all(updates);
  assert.deepEqual(request.messages.map((m) => (m as RequestUpdate).params.subscriberPriority), [1, 2, 3]);
});
