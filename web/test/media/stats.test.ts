import assert from "node:assert/strict";
import { test } from "node:test";
import { PaintLog, RateMeter, StallMeter } from "../../src/media/stats.ts";
import { WallClock } from "../../src/media/wallclock.ts";

/** Paints at 30 fps from `from` to `to` ms, each picture `age` old when painted. */
function paint(log: PaintLog, from: number, to: number, age: number): void {
  for (let at = from; at <= to + 1e-6; at += 1000 / 30) log.painted((at - age) * 1000, at);
}

test("latency is the age of what is seen, averaged over time", () => {
  const log = new PaintLog();
  assert.ok(Number.isNaN(log.latency(0)));
  paint(log, 10_000, 13_000, 300);
  // A picture is 300 ms old when painted and a frame older when replaced.
  assert.ok(Math.abs(log.latency(13_000) - 316.7) < 1);
  assert.ok(Math.abs(log.fps(13_000) - 30) < 1);
});

test("a frozen picture grows old", () => {
  const log = new PaintLog();
  paint(log, 10_000, 12_000, 300);
  assert.ok(Math.abs(log.latency(12_400) - (316.7 * 0.6 + 500 * 0.4)) < 5);
  assert.equal(Math.round(log.latency(13_000)), 1300);
  assert.equal(Math.round(log.latency(22_000)), 10_300);
  assert.equal(log.fps(22_000), 0);
});

test("when a frozen picture moves again, its age is forgotten", () => {
  const log = new PaintLog();
  paint(log, 10_000, 12_000, 300);
  paint(log, 15_000, 15_200, 250);
  assert.ok(Math.abs(log.latency(15_200) - 266.7) < 2);
  assert.ok(Math.abs(log.fps(15_200) - 30) < 1);
});

test("the window forgets", () => {
  const log = new PaintLog();
  paint(log, 10_000, 12_000, 900);
  paint(log, 12_033, 14_000, 300);
  assert.ok(Math.abs(log.latency(14_000) - 316.7) < 2);
  log.clear();
  assert.equal(log.last, undefined);
});

test("bitrate over the window", () => {
  const m = new RateMeter();
  for (let at = 0; at < 4000; at += 10) m.add(1250, at);
  assert.ok(Math.abs(m.bitsPerSecond(4000) - 1e6) < 2e4);
  assert.equal(m.bitsPerSecond(9000), 0);
});

test("a stall counts once, however long", () => {
  const m = new StallMeter();
  assert.equal(m.check(10_000, 33), false, "nothing has started");
  m.moved(10_000);
  assert.equal(m.check(10_400, 33), false);
  assert.equal(m.check(10_600, 33), true);
  assert.equal(m.check(20_000, 33), true);
  assert.equal(m.stalls, 1);
  m.moved(20_100);
  assert.equal(m.check(20_200, 33), false);
  m.check(21_000, 33);
  assert.equal(m.stalls, 2);
});

test("slow pictures and intended rest are no stalls", () => {
  const m = new StallMeter();
  m.moved(0);
  assert.equal(m.check(900, 500), false);
  m.rest();
  assert.equal(m.check(90_000, 33), false);
  assert.equal(m.stalls, 0);
});

test("the wall clock is fine and follows corrections of the system's", () => {
  let perf = 1000.25;
  let date = 500_000_001;
  const clock = new WallClock({ date: () => date, performance: () => perf, timeOrigin: 499_999_000.5 });
  assert.equal(clock.now(), 500_000_000.75);
  perf += 0.125;
  assert.equal(clock.now(), 500_000_000.875);
  assert.equal(clock.at(900.25), 499_999_900.75);
  // The system clock was set forward by 3 s.
  perf += 2000;
  date += 5000;
  assert.ok(Math.abs(clock.now() - date - 0.5) < 1e-6);
});
