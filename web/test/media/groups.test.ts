import assert from "node:assert/strict";
import { test } from "node:test";
import { GroupQueue } from "../../src/media/groups.ts";
import { unit } from "./make.ts";

/** Media time, µs, of an object. */
const time = (group: number, object: number): number => unit(group, object).timestamp;

function push(q: GroupQueue, group: number, from: number, to: number): void {
  for (let o = from; o <= to; o++) q.push(unit(group, o));
}

/** Everything that can be decoded at media time `now`, as "group/object". */
function drain(q: GroupQueue, now: number, until?: number): string[] {
  const out: string[] = [];
  for (let u = q.next(now, until); u !== undefined; u = q.next(now, until)) out.push(`${u.group}/${u.object}`);
  return out;
}

function range(group: number, from: number, to: number): string[] {
  return Array.from({ length: to - from + 1 }, (_, i) => `${group}/${from + i}`);
}

test("a group is decoded as it comes", () => {
  const q = new GroupQueue();
  push(q, 5, 0, 2);
  assert.deepEqual(drain(q, 0), range(5, 0, 2));
  push(q, 5, 3, 4);
  assert.deepEqual(drain(q, 0), range(5, 3, 4));
  assert.equal(q.length, 0);
});

test("joining waits for a key unit", () => {
  const q = new GroupQueue();
  push(q, 5, 7, 9);
  assert.deepEqual(drain(q, time(5, 9)), []);
  push(q, 6, 0, 1);
  assert.deepEqual(drain(q, time(6, 0)), range(6, 0, 1));
});

test("the next group follows at once when the last is complete", () => {
  const q = new GroupQueue();
  push(q, 1, 0, 29);
  push(q, 2, 0, 0);
  // Long before group 2 is due: nothing lies between the two.
  assert.deepEqual(drain(q, time(1, 0)), [...range(1, 0, 29), "2/0"]);
});

test("a group cut short is left when it ended, or when the next one is due", () => {
  const q = new GroupQueue();
  push(q, 1, 0, 9);
  push(q, 2, 0, 3);
  assert.deepEqual(drain(q, time(1, 0)), range(1, 0, 9), "the rest may still come");
  assert.deepEqual(drain(q, time(2, 0) - 200_000), []);
  assert.deepEqual(drain(q, time(2, 0) - 50_000), range(2, 0, 3), "due");
  const ended = new GroupQueue();
  push(ended, 1, 0, 9);
  push(ended, 2, 0, 3);
  ended.endGroup(1);
  assert.deepEqual(drain(ended, time(1, 0)), [...range(1, 0, 9), ...range(2, 0, 3)]);
});

test("units that come after their group was left are refused", () => {
  const q = new GroupQueue();
  push(q, 1, 0, 5);
  push(q, 2, 0, 1);
  drain(q, time(2, 0));
  assert.equal(q.push(unit(1, 6)), false);
  assert.equal(q.push(unit(2, 1)), false, "a duplicate");
  assert.equal(q.push(unit(2, 2)), true);
});

test("a hole in a group ends it: what follows cannot be decoded", () => {
  const q = new GroupQueue();
  push(q, 1, 0, 3);
  push(q, 1, 6, 29);
  push(q, 2, 0, 1);
  assert.deepEqual(drain(q, time(1, 5)), [...range(1, 0, 3), ...range(2, 0, 1)]);
  assert.equal(q.takeDropped(), 24);
  assert.equal(q.takeDropped(), 0);
});

test("a hole in audio loses only what is missing", () => {
  const q = new GroupQueue();
  for (const o of [0, 1, 4, 5]) q.push(unit(1, o, { key: true }));
  assert.deepEqual(drain(q, 0), ["1/0", "1/1", "1/4", "1/5"]);
});

test("a lost group is skipped when a later one is due", () => {
  const q = new GroupQueue();
  push(q, 1, 0, 29);
  push(q, 3, 0, 2);
  assert.deepEqual(drain(q, time(1, 29)), range(1, 0, 29), "group 2 may still come");
  assert.deepEqual(drain(q, time(3, 0)), range(3, 0, 2));
});

test("hopeless lateness skips to the newest key unit that is due", () => {
  const q = new GroupQueue();
  push(q, 1, 0, 29);
  assert.equal(q.next(time(1, 0))?.object, 0);
  push(q, 2, 0, 29);
  push(q, 3, 0, 29);
  push(q, 4, 0, 2);
  assert.deepEqual(drain(q, time(3, 0) + 300_000), [...range(3, 0, 29), ...range(4, 0, 2)]);
});

test("joining with several groups starts at the one that is due", () => {
  const q = new GroupQueue();
  push(q, 1, 0, 29);
  push(q, 2, 0, 10);
  assert.equal(q.next(time(2, 5))?.group, 2);
  const early = new GroupQueue();
  push(early, 1, 0, 29);
  push(early, 2, 0, 10);
  assert.equal(early.next(time(1, 3))?.group, 1);
});

test("after a decoder error decoding goes on at a key unit", () => {
  const q = new GroupQueue();
  push(q, 1, 0, 9);
  assert.equal(q.next(0)?.object, 0);
  q.requireKey();
  assert.deepEqual(drain(q, 0), []);
  push(q, 2, 0, 1);
  q.endGroup(1);
  assert.deepEqual(drain(q, 0), range(2, 0, 1));
});

test("units beyond a limit wait", () => {
  const q = new GroupQueue();
  push(q, 1, 0, 9);
  assert.deepEqual(drain(q, 0, time(1, 4)), range(1, 0, 4));
  assert.deepEqual(drain(q, 0, time(1, 5)), range(1, 5, 5));
  assert.equal(q.hasBefore(time(1, 5)), false);
  assert.equal(q.hasBefore(time(1, 6)), true);
  assert.equal(q.newestTimestamp, time(1, 9));
});

test("while nobody looks only the newest group is kept", () => {
  const q = new GroupQueue();
  push(q, 1, 0, 3);
  drain(q, time(1, 3));
  q.setNewestOnly(true);
  for (let g = 2; g <= 50; g++) push(q, g, 0, 29);
  assert.equal(q.length, 30);
  q.setNewestOnly(false);
  assert.deepEqual(drain(q, time(50, 10)), range(50, 0, 29));
});

test("memory is bounded, by giving up the oldest", () => {
  const q = new GroupQueue({ maxBytes: 5000 });
  for (let g = 1; g <= 10; g++) push(q, g, 0, 29);
  assert.ok(q.length <= 50);
  const one = new GroupQueue({ maxBytes: 1000 });
  push(one, 1, 0, 500);
  assert.ok(one.length <= 10);
  push(one, 2, 0, 1);
  assert.deepEqual(drain(one, time(2, 0)), range(2, 0, 1));
});

test("a track that numbers its groups anew starts over", () => {
  const q = new GroupQueue();
  push(q, 100, 0, 3);
  drain(q, time(100, 3));
  assert.equal(q.push(unit(2, 0)), false);
  q.reset();
  assert.equal(q.currentGroup, undefined);
  push(q, 2, 0, 1);
  assert.deepEqual(drain(q, time(2, 0)), range(2, 0, 1));
});

test("the frame duration is measured", () => {
  const q = new GroupQueue();
  push(q, 1, 0, 10);
  assert.ok(Math.abs(q.frameDurationMicros - 33_333) < 50);
});

test("B-frames: objects out of time order do not end a group early", () => {
  const q = new GroupQueue();
  const order = [0, 3, 1, 2, 6, 4, 5];
  order.forEach((at, o) => q.push(unit(1, o, { timestamp: time(1, at) })));
  assert.deepEqual(drain(q, 0), range(1, 0, 6));
});
