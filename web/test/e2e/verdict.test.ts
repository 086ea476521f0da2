import assert from "node:assert/strict";
import { test } from "node:test";
import { agreement, describePicture, notMoving, noTone, percentile, tooLate, type Sample, type Spectrum } from "./verdict.ts";

/** Ten looks a second at a picture; clock and overlay by the time of the look. */
function samples(clock: (at: number) => number | undefined, overlay: (at: number) => number = () => NaN): Sample[] {
  return Array.from({ length: 30 }, (_, i) => {
    const at = 1_000_000 + i * 100;
    return { before: at - 4, after: at + 4, clock: clock(at), overlay: overlay(at), timestamp: (clock(at) ?? NaN) - 10 };
  });
}

test("a picture that follows the clock moves and is live", () => {
  const s = samples((at) => at - 400, () => 405);
  assert.equal(notMoving(s), "");
  assert.equal(tooLate(s, 1000), "");
  assert.deepEqual(agreement(s), { medians: 5, p90: 5, timestamps: -10 });
  assert.equal(describePicture(s).p95, 404);
});

test("what is wrong with a picture is told", () => {
  const frozen = samples(() => 999_000);
  assert.match(notMoving(frozen), /^1 different pictures in 30/);
  assert.match(tooLate(frozen, 1000), /^95th percentile/);
  assert.match(notMoving(samples((at) => (at % 300 === 0 ? at : undefined))), /^the clock was readable in 10 of 30/);
  assert.match(notMoving(samples((at) => (at < 1_000_500 || at > 1_001_700 ? at : 1_000_500))), /^the picture stood still for 1[23]00 ms/);
  assert.match(notMoving(samples((at) => (at === 1_001_000 ? 1_000_950 : at + (at < 1_001_000 ? 60 : 0)))), /went back/);
  assert.match(notMoving([]), /0 of 0/);
  assert.match(tooLate(samples((at) => at - 1200), 1000), /^95th percentile of the latency 1204 ms/);
  assert.match(tooLate(samples(() => undefined), 1000), /only 0 samples/);
});

test("the tone is told from silence, noise and other tones", () => {
  const all = (s: Partial<Spectrum>): Spectrum[] => Array.from({ length: 8 }, () => ({ peakHz: 441, peak: -30, noise: -120, rate: 1, ...s }));
  assert.equal(noTone(all({}), 440), "");
  assert.equal(noTone(all({ peakHz: 466, rate: 1.06 }), 440), "", "a player that catches up");
  for (const wrong of [{ peakHz: 466 }, { peak: -Infinity, noise: -Infinity, peakHz: 0 }, { peak: -70 }, { noise: -45 }, { rate: NaN }]) {
    assert.match(noTone(all(wrong), 440), /^440 Hz in 0 of 8/);
  }
  assert.match(noTone([], 440), /0 of 0/);
});

test("percentiles are values that occur", () => {
  const values = Array.from({ length: 20 }, (_, i) => 20 - i);
  assert.equal(percentile(values, 0.5), 10);
  assert.equal(percentile(values, 0.95), 19);
  assert.equal(percentile(values, 1), 20);
  assert.ok(Number.isNaN(percentile([], 0.5)));
});
