import assert from "node:assert/strict";
import { test } from "node:test";
import { GroupLedger } from "../../src/media/ledger.ts";
import type { FakeSession } from "./fake-relay.ts";
import { object, utf8 } from "./make.ts";
import { setup, type Setup } from "./receiving.ts";

test("GOAWAY moves to the new relay while the old one plays", async () => {
  const s = setup();
  s.receiver.start();
  await s.playing(2000);
  const [first] = s.relay.sessions;
  first?.options.onGoaway("https://other.test/live");
  await s.timers.pass(10);
  assert.equal(s.relay.urls[1], "https://other.test/live");
  assert.equal(first?.closedWith, undefined);
  s.relay.play(first);
  const before = s.pictures.length;
  await s.playing(1000);
  assert.ok(s.pictures.length > before);
  assert.equal(first?.closedWith, undefined, "its groups may come to their ends");
  await s.playing(4500);
  assert.equal(first?.closedWith, "replaced");
  assert.ok(!s.conditions.some((c) => c.startsWith("unreachable")));
});

/** A picture of a group, as every session of a broadcast sends it. */
const picture = (group: number, id: number) => object(group, id, utf8("picture"), [{ type: 0x10, value: 1 }]);

/** Two sessions of one broadcast: the first has brought groups up to 19 and sends the viewer to the second. */
async function moving(): Promise<{ s: Setup; first: FakeSession; second: FakeSession; came: () => number[] }> {
  const s = setup();
  s.receiver.start();
  await s.playing(1000);
  const [first] = s.relay.sessions;
  assert.ok(first !== undefined);
  for (let g = s.relay.group - 1; g < 20; g++) {
    first.send("video", picture(g, 0));
    first.endGroup("video", g);
  }
  const before = s.pictures.length;
  first.options.onGoaway("https://other.test/live");
  await s.timers.pass(10);
  const [, second] = s.relay.sessions;
  assert.ok(second !== undefined);
  s.relay.catalog(second);
  await s.timers.pass(10);
  return { s, first, second, came: () => s.pictures.slice(before) };
}

test("while both sessions deliver, each object is taken once, and the end of the old one's group is not lost", async () => {
  const { first, second, came } = await moving();
  first.send("video", picture(20, 0));
  first.send("video", picture(20, 1));
  second.send("video", picture(21, 0)); // takes over
  first.send("video", picture(20, 2));
  second.send("video", picture(21, 1));
  first.send("video", picture(21, 0));
  first.send("video", picture(21, 1));
  first.send("video", picture(21, 2));
  second.send("video", picture(21, 2));
  assert.deepEqual(came(), [20, 20, 21, 20, 21, 21]);
  assert.equal(first.closedWith, undefined, "it may bring more of group 20");
  first.endGroup("video", 20);
  assert.equal(first.closedWith, "replaced");
});

test("the old session is left at once when the new one has all from the beginning of its group", async () => {
  const { first, second, came } = await moving();
  first.send("video", picture(20, 0));
  second.send("video", picture(20, 0));
  assert.deepEqual([came(), first.closedWith], [[20], "replaced"]);
});

test("the old session is kept while it is ahead of the new one", async () => {
  const { s, first, second } = await moving();
  for (let g = 20; g < 24; g++) {
    first.send("video", picture(g, 0));
    first.endGroup("video", g);
    await s.timers.pass(400);
    second.send("video", picture(g, 0));
    second.endGroup("video", g);
    assert.equal(first.closedWith, undefined, `behind by 400 ms in group ${g}`);
  }
  first.send("video", picture(24, 0));
  await s.timers.pass(100);
  second.send("video", picture(24, 0));
  assert.equal(first.closedWith, "replaced");
});

test("the old session is kept for groups that the new one does not bring whole or leaves out, but not for ever", async () => {
  const { s, first, second, came } = await moving();
  first.send("video", picture(20, 0));
  second.send("video", picture(22, 0));
  assert.equal(first.closedWith, undefined, "group 21 may come, too");
  second.endGroup("video", 22, false);
  first.endGroup("video", 20);
  for (const g of [21, 22]) {
    first.send("video", picture(g, 0));
    first.endGroup("video", g);
  }
  second.send("video", picture(23, 1));
  assert.equal(first.closedWith, undefined, "the beginning of group 23 is missing");
  assert.deepEqual(came(), [20, 22, 21, 23]);
  await s.timers.pass(4000);
  assert.equal(first.closedWith, undefined);
  await s.timers.pass(1100);
  assert.equal(first.closedWith, "replaced");
});

test("the old session is not kept for a group that it has given up", async () => {
  const { first, second } = await moving();
  first.send("video", picture(20, 0));
  second.send("video", picture(21, 0));
  assert.equal(first.closedWith, undefined);
  first.endGroup("video", 20, false);
  assert.equal(first.closedWith, "replaced");
});

test("a relay that GOAWAY names is tried again while the old one plays, and then the known one is", async () => {
  const s = setup();
  s.receiver.start();
  await s.playing(2000);
  const [first] = s.relay.sessions;
  s.relay.mode = "down";
  first?.options.onGoaway("https://other.test/live");
  for (let i = 0; i < 10; i++) {
    s.relay.play(first);
    await s.timers.pass(500);
  }
  const [other, known] = ["https://other.test/live", "https://relay.test:4443/live"];
  assert.deepEqual(s.relay.urls.slice(1, 5), [other, other, other, known]);
  assert.ok(!s.conditions.some((c) => c.startsWith("unreachable")), "it plays");
  s.relay.mode = "up";
  await s.timers.pass(3100);
  await s.playing(1000);
  assert.equal(s.relay.sessions.length, 2);
  const attempts = s.relay.attempts.length;
  await s.playing(10_000);
  assert.equal(s.relay.attempts.length, attempts, "it has moved");
});

test("a relay that sends on at once is left again, without hurry", async () => {
  const s = setup();
  s.receiver.start();
  await s.playing(2000);
  const [first] = s.relay.sessions;
  first?.options.onGoaway("https://other.test/live");
  await s.timers.pass(10);
  s.relay.sessions[1]?.options.onGoaway("https://third.test/live");
  assert.equal(s.relay.sessions[1]?.closedWith, "leaving");
  await s.timers.pass(10);
  assert.equal(s.relay.sessions.length, 2);
  await s.timers.pass(500);
  assert.equal(s.relay.urls[2], "https://third.test/live");
  assert.equal(first?.closedWith, undefined);
});

test("a fingerprint that is no longer told stays known", async () => {
  const s = setup("/certificate.sha256");
  s.receiver.start();
  await s.playing(2000);
  s.untold = true;
  s.relay.sessions[0]?.options.onGoaway("https://other.test/live");
  await s.timers.pass(10);
  assert.equal(s.relay.sessions.length, 2);
});

test("the ledger takes each object once and counts what came whole", () => {
  const l = new GroupLedger();
  const group = (id: number, complete = true): void => {
    for (let o = 0; o < 3; o++) assert.equal(l.note("video", "v", id, o, 1000), undefined);
    assert.equal(l.note("video", "v", id, 1, 1040), 40);
    if (complete) l.end("video", id, true);
  };
  for (let id = 100; id < 109; id++) group(id, id !== 101);
  assert.deepEqual([l.received, l.lost], [1, 0], "those after an open one are not judged yet");
  group(109);
  assert.deepEqual([l.received, l.lost], [9, 1]);
  assert.equal(l.note("video", "v", 100, 0, 2000), undefined, "what was left is the queue's business");
  for (let id = 112; id < 122; id++) group(id);
  assert.deepEqual([l.received, l.lost], [19, 3], "two were left out");
  for (let id = 50_000; id < 50_010; id++) group(id);
  assert.deepEqual([l.received, l.lost], [29, 3], "a new numbering is no loss");
  l.joined("video", 50_006);
  assert.equal(l.note("video", "v", 50_009, 0, 3000), 2000, "a relay that is a little behind");
  l.joined("video", 0);
  assert.equal(l.note("video", "v", 0, 0, 0), undefined);
  assert.equal(l.note("video", "v", 0, 0, 0), 0, "a publisher that begins at 0 again");
  assert.equal(l.note("audio", "a", 7, 0, 0), undefined, "each kind for itself");
});
