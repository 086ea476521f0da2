import assert from "node:assert/strict";
import { test } from "node:test";
import { FrameQueue, type Picture } from "../../src/media/frames.ts";
import { JitterEstimator } from "../../src/media/jitter.ts";
import { PlayoutClock, type PlayoutInput } from "../../src/media/playout.ts";

const NOTHING: PlayoutInput = { needed: undefined, base: undefined, audioLag: undefined };

/** Runs the clock from `from` to `to` ms in steps of a 60 Hz screen. */
function run(clock: PlayoutClock, from: number, to: number, input: (now: number) => PlayoutInput): { jumps: number; rates: number[] } {
  let jumps = 0;
  const rates: number[] = [];
  for (let now = from; now <= to; now += 1000 / 60) {
    if (clock.update(now, input(now))) jumps++;
    rates.push(clock.rate);
  }
  return { jumps, rates };
}

test("without news playback stays at the target", () => {
  const c = new PlayoutClock(300);
  c.restart(1000);
  const { jumps, rates } = run(c, 1000, 5000, () => NOTHING);
  assert.equal(jumps, 0);
  assert.ok(rates.every((r) => r === 1));
  assert.equal(c.mediaAt(5000), 4_700_000);
});

test("a network slower than the target raises the goal, and playback slows down to it gently", () => {
  const c = new PlayoutClock(300);
  c.restart(0);
  const { jumps, rates } = run(c, 0, 8000, () => ({ ...NOTHING, needed: 500, base: 480 }));
  assert.equal(jumps, 0);
  assert.equal(c.goalLag, 520);
  assert.ok(Math.abs(c.lagAt(8000) - 520) < 30);
  assert.ok(Math.min(...rates) >= 0.9);
  assert.ok(rates[rates.length - 1] === 1);
});

test("hopeless jitter does not drive playback away from live", () => {
  const c = new PlayoutClock(300);
  c.restart(0);
  run(c, 0, 8000, () => ({ ...NOTHING, needed: 9000, base: 200 }));
  assert.equal(c.goalLag, 1720);
  run(c, 8001, 9000, () => ({ ...NOTHING, needed: 9000, base: 4000 }));
  assert.equal(c.goalLag, 5520, "a long way is not jitter");
});

test("a faster network lowers the goal slowly, and playback hurries a little", () => {
  const c = new PlayoutClock(300);
  c.restart(0);
  run(c, 0, 8000, () => ({ ...NOTHING, needed: 600 }));
  c.update(8001, { ...NOTHING, needed: 100 });
  assert.ok(c.goalLag > 610, "one calm moment changes nothing");
  const { rates, jumps } = run(c, 8001, 20000, () => ({ ...NOTHING, needed: 100 }));
  assert.equal(jumps, 0);
  assert.equal(c.goalLag, 300);
  assert.ok(Math.max(...rates) <= 1.1 && Math.max(...rates) >= 1.02);
  assert.ok(Math.abs(c.lagAt(20000) - 300) < 35);
});

test("a wish of the viewer is followed at once by a jump when it is far", () => {
  const c = new PlayoutClock(300);
  c.restart(0);
  run(c, 0, 100, () => NOTHING);
  c.setTarget(2000);
  assert.equal(c.update(120, NOTHING), true);
  assert.equal(c.lagAt(120), 2000);
  c.setTarget(300);
  assert.equal(c.update(140, NOTHING), true);
  assert.equal(c.lagAt(140), 300);
});

test("audio is followed outside the dead band, gliding when near and at once when far", () => {
  const c = new PlayoutClock(300);
  c.restart(0);
  run(c, 0, 500, () => ({ ...NOTHING, audioLag: 325 }));
  assert.ok(Math.abs(c.lagAt(500) - 300) < 1, "inside the dead band");
  c.update(516, { ...NOTHING, audioLag: 380 });
  assert.ok(c.lagAt(516) > 300 && c.lagAt(516) < 330, "gliding");
  run(c, 516, 2000, () => ({ ...NOTHING, audioLag: 380 }));
  assert.ok(Math.abs(c.lagAt(2000) - 380) <= 31);
  c.update(2016, { ...NOTHING, audioLag: 900 });
  assert.equal(c.lagAt(2016), 900);
});

test("audio more than a second off makes playback jump back to the goal", () => {
  const c = new PlayoutClock(300);
  c.restart(0);
  assert.equal(c.update(16, { ...NOTHING, audioLag: 1500 }), true);
  assert.equal(c.lagAt(16), 300);
});

test("clocks that differ do not cost latency", () => {
  const c = new PlayoutClock(300);
  c.restart(0);
  // Media seems to arrive 5 s before it was captured, within 40 ms.
  run(c, 0, 3000, () => ({ ...NOTHING, base: -5000, needed: -4960 }));
  assert.equal(c.clockSkewed, true);
  assert.equal(c.goalLag, -4700);
  assert.equal(c.lagAt(3000), -4700);
  c.update(3016, { ...NOTHING, base: 20, needed: 60 });
  assert.equal(c.clockSkewed, false);
});

test("the rate moves the lag as it says", () => {
  const c = new PlayoutClock(300);
  c.restart(0);
  c.setTarget(500);
  c.update(0, NOTHING);
  const rate = c.rate;
  assert.ok(rate < 1);
  assert.ok(Math.abs(c.lagAt(1000) - (300 + (1 - rate) * 1000)) < 1e-9);
});

class FakePicture implements Picture {
  closed = false;
  constructor(readonly timestamp: number) {}
  close(): void {
    assert.equal(this.closed, false, "closed twice");
    this.closed = true;
  }
}

function frames(...ms: number[]): FakePicture[] {
  return ms.map((t) => new FakePicture(t * 1000));
}

/** Shows at `now` with media time `media`, both in ms; returns the time of the picture. */
function due(q: FrameQueue<FakePicture>, now: number, media: number, more = false): number | undefined {
  const p = q.due(now, media * 1000, more);
  return p === undefined ? undefined : p.timestamp / 1000;
}

test("the first picture is shown whatever its time", () => {
  const q = new FrameQueue<FakePicture>();
  for (const f of frames(0, 33)) q.push(f);
  assert.equal(due(q, 5000, -500), 0);
  assert.equal(due(q, 5016, -484), undefined);
});

test("pictures are shown at their time, the newest of those that are due", () => {
  const q = new FrameQueue<FakePicture>();
  const all = frames(0, 33, 67, 100);
  for (const f of all) q.push(f);
  assert.equal(due(q, 0, 0), 0);
  assert.equal(due(q, 16, 16), undefined);
  assert.equal(due(q, 26, 26), 33, "half a refresh early is on time");
  assert.equal(due(q, 110, 110), 100);
  assert.equal(all[2]?.closed, true);
  assert.equal(q.takeDropped(), 1);
  assert.equal(q.length, 0);
});

test("pictures decoded out of order are sorted", () => {
  const q = new FrameQueue<FakePicture>();
  for (const f of frames(0, 100, 33, 67)) q.push(f);
  assert.deepEqual([due(q, 0, 0), due(q, 33, 33), due(q, 67, 67), due(q, 100, 100)], [0, 33, 67, 100]);
});

test("a late picture is better than none, an older one than the one shown is not", () => {
  const q = new FrameQueue<FakePicture>();
  for (const f of frames(0)) q.push(f);
  due(q, 0, 0);
  for (const f of frames(33)) q.push(f);
  assert.equal(due(q, 900, 900), 33);
  const [old] = frames(20);
  if (old !== undefined) q.push(old);
  assert.equal(due(q, 916, 916), undefined);
  assert.equal(old?.closed, true);
});

test("catching up passes over late pictures without counting them, but shows one now and then", () => {
  const q = new FrameQueue<FakePicture>();
  for (const f of frames(0)) q.push(f);
  assert.equal(due(q, 0, 1000), 0);
  for (const f of frames(33)) q.push(f);
  assert.equal(due(q, 16, 1016, true), undefined);
  for (const f of frames(300)) q.push(f);
  assert.equal(due(q, 450, 1450, true), 300, "0.4 s without a picture");
  assert.equal(q.takeDropped(), 0);
  for (const f of frames(1500)) q.push(f);
  assert.equal(due(q, 500, 1500, true), 1500, "caught up");
});

test("a sender whose clock was set back is followed", () => {
  const q = new FrameQueue<FakePicture>();
  for (const f of frames(10_000)) q.push(f);
  due(q, 0, 10_000);
  for (const f of frames(5000)) q.push(f);
  assert.equal(due(q, 33, 10_033), 5000);
});

test("clearing closes what waits and starts over", () => {
  const q = new FrameQueue<FakePicture>();
  const all = frames(0, 33);
  for (const f of all) q.push(f);
  q.clear();
  assert.ok(all.every((f) => f.closed));
  for (const f of frames(7)) q.push(f);
  assert.equal(due(q, 0, -100), 7);
});

/** Feeds an estimator with 30 units per second for `seconds`; returns the end. */
function feed(j: JitterEstimator, seconds: number, delay: (i: number) => number, from = 0): number {
  for (let i = 0; i < seconds * 30; i++) j.add(from + (i * 1000) / 30, from + (i * 1000) / 30 + delay(i));
  return from + seconds * 1000;
}

test("a steady way needs its delay, nothing more", () => {
  const j = new JitterEstimator();
  const end = feed(j, 8, () => 50);
  assert.ok(Math.abs((j.needed(end) ?? 0) - 50) < 1e-6);
  assert.ok(Math.abs((j.base(end) ?? 0) - 50) < 1e-6);
  assert.ok(Math.abs(j.jitter(end) ?? 1) < 1e-6);
});

test("nothing is said of too few units", () => {
  const j = new JitterEstimator();
  for (let i = 0; i < 3; i++) j.add(i, i + 10);
  assert.equal(j.needed(100), undefined);
  assert.equal(j.jitter(100), undefined);
});

test("lateness that comes with every group counts", () => {
  for (const every of [15, 30, 60]) {
    const j = new JitterEstimator();
    const end = feed(j, 8, (i) => (i % every === 0 ? 120 : 40));
    assert.equal(Math.round(j.needed(end) ?? 0), 120, `every ${every} frames`);
  }
});

test("a single interruption does not count", () => {
  const j = new JitterEstimator();
  const end = feed(j, 8, (i) => (i >= 100 && i < 115 ? 40 + (115 - i) * 33 : 40));
  assert.equal(Math.round(j.needed(end) ?? 0), 40);
});

test("a way that became slower is noticed within two seconds or so", () => {
  const j = new JitterEstimator();
  let end = feed(j, 8, () => 40);
  end = feed(j, 2.5, () => 200, end);
  assert.equal(Math.round(j.needed(end) ?? 0), 200);
});

test("what was is forgotten after eight seconds", () => {
  const j = new JitterEstimator();
  let end = feed(j, 8, () => 400);
  end = feed(j, 8.6, () => 40, end);
  assert.equal(Math.round(j.needed(end) ?? 0), 40);
  j.reset();
  assert.equal(j.needed(end + 1), undefined);
});
