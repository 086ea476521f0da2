import assert from "node:assert/strict";
import { test } from "node:test";
import { AudioClock } from "../../src/media/audio-clock.ts";
import { AudioRing, type AudioChunk } from "../../src/media/audio-ring.ts";

const RATE = 48000;
const QUANTUM = 128;

/** A chunk of `frames` samples whose values are all `value`, at `ms`. */
function chunk(ms: number, frames = 960, value = 0.5, sampleRate = RATE): AudioChunk {
  return { timestamp: ms * 1000, sampleRate, channels: [new Float32Array(frames).fill(value), new Float32Array(frames).fill(value)] };
}

/** Renders from context time `from` (s) for `seconds`, mono of the first channel. */
function render(ring: AudioRing, from: number, seconds: number, contextRate = RATE): Float32Array {
  const quanta = Math.round((seconds * contextRate) / QUANTUM);
  const out = new Float32Array(quanta * QUANTUM);
  for (let q = 0; q < quanta; q++) {
    const planes = [new Float32Array(QUANTUM), new Float32Array(QUANTUM)];
    ring.render(planes, from + (q * QUANTUM) / contextRate);
    out.set(planes[0] ?? [], q * QUANTUM);
  }
  return out;
}

const loud = (samples: Float32Array): number => samples.reduce((n, s) => n + (Math.abs(s) > 0.4 ? 1 : 0), 0);

test("without an anchor there is silence", () => {
  const ring = new AudioRing(RATE);
  ring.push(chunk(0));
  assert.equal(loud(render(ring, 0, 0.02)), 0);
  assert.equal(ring.state(0).running, false);
});

test("playback starts in step with the anchor", () => {
  const ring = new AudioRing(RATE);
  for (let ms = 0; ms < 400; ms += 20) ring.push(chunk(ms));
  // Media time 100 ms is to be rendered at context time 1 s.
  ring.setAnchor({ timestamp: 100_000, contextTime: 1, rate: 1 });
  render(ring, 1, 0.08);
  const s = ring.state(1.08);
  assert.equal(s.running, true);
  assert.ok(Math.abs(s.timestamp - 180_000) < 3000, `at ${s.timestamp}`);
  assert.ok(Math.abs(s.queued - 220_000) < 3000);
});

test("audio of the future waits for its time", () => {
  const ring = new AudioRing(RATE);
  ring.push(chunk(50));
  ring.setAnchor({ timestamp: 0, contextTime: 0, rate: 1 });
  const out = render(ring, 0, 0.064);
  const first = out.findIndex((s) => s !== 0);
  assert.ok(Math.abs(first / RATE - 0.05) < 0.004, `sound at ${first / RATE}`);
});

test("what is older than the anchor is dropped", () => {
  const ring = new AudioRing(RATE);
  for (let ms = 0; ms < 100; ms += 20) ring.push(chunk(ms));
  ring.setAnchor({ timestamp: 1_000_000, contextTime: 0, rate: 1 });
  assert.equal(loud(render(ring, 0, 0.02)), 0);
  assert.equal(ring.state(0).queued, 0);
});

test("data that runs out is decay, not a click, and an underrun; playback goes on when it comes", () => {
  const ring = new AudioRing(RATE);
  ring.push(chunk(0, 480));
  ring.setAnchor({ timestamp: 0, contextTime: 0, rate: 1 });
  const out = render(ring, 0, 0.032);
  let worst = 0;
  for (let i = 1; i < out.length; i++) worst = Math.max(worst, Math.abs((out[i] ?? 0) - (out[i - 1] ?? 0)));
  assert.ok(worst < 0.05, `a step of ${worst}`);
  assert.equal(ring.state(0).running, false);
  assert.equal(ring.state(0).underruns, 1);
  ring.push(chunk(10, 4800));
  render(ring, 0.032, 0.03);
  const s = ring.state(0.062);
  assert.equal(s.running, true);
  assert.ok(s.timestamp < 42_000, "playback was delayed by the silence, nothing was skipped");
});

test("after a long silence playback starts anew with the clock", () => {
  const ring = new AudioRing(RATE);
  ring.push(chunk(0, 480));
  ring.setAnchor({ timestamp: 0, contextTime: 0, rate: 1 });
  render(ring, 0, 0.4);
  for (let ms = 10; ms < 800; ms += 20) ring.push(chunk(ms));
  render(ring, 0.4, 0.1);
  assert.ok(Math.abs(ring.state(0.5).timestamp - 500_000) < 4000);
});

test("a hole is filled with silence of its length", () => {
  const ring = new AudioRing(RATE);
  ring.push(chunk(0, 960));
  ring.push(chunk(60, 960));
  ring.setAnchor({ timestamp: 0, contextTime: 0, rate: 1 });
  const out = render(ring, 0, 0.08);
  assert.ok(Math.abs(ring.state(0.08).timestamp - 80_000) < 3000);
  const silent = out.subarray(1000, 2800).reduce((n, s) => n + (s === 0 ? 1 : 0), 0);
  assert.ok(silent > 1700, `${silent} silent samples`);
});

test("what overlaps is skipped", () => {
  const ring = new AudioRing(RATE);
  ring.push(chunk(0, 4800));
  ring.push(chunk(50, 4800));
  ring.setAnchor({ timestamp: 0, contextTime: 0, rate: 1 });
  render(ring, 0, 0.128);
  assert.ok(Math.abs(ring.state(0.128).timestamp - 128_000) < 4000);
});

test("a new timeline ends playback until the clock is there", () => {
  const ring = new AudioRing(RATE);
  ring.push(chunk(0, 480));
  ring.push(chunk(3_600_000, 4800));
  ring.setAnchor({ timestamp: 0, contextTime: 0, rate: 1 });
  render(ring, 0, 0.1);
  assert.equal(ring.state(0.1).running, false);
  ring.setAnchor({ timestamp: 3_600_000_000, contextTime: 0.1, rate: 1 });
  render(ring, 0.1, 0.05);
  assert.equal(ring.state(0.15).running, true);
});

test("speed changes how much is played", () => {
  const ring = new AudioRing(RATE);
  for (let ms = 0; ms < 3000; ms += 20) ring.push(chunk(ms));
  ring.setAnchor({ timestamp: 0, contextTime: 0, rate: 1.1 });
  render(ring, 0, 1);
  assert.ok(Math.abs(ring.state(1).timestamp - 1_100_000) < 5000);
});

test("another sample rate is converted, and the tone keeps its pitch", () => {
  const ring = new AudioRing(RATE);
  const rate = 44100;
  for (let i = 0; i < 50; i++) {
    const samples = Float32Array.from({ length: 1024 }, (_, n) => Math.sin((2 * Math.PI * 440 * (i * 1024 + n)) / rate));
    ring.push({ timestamp: ((i * 1024) / rate) * 1e6, sampleRate: rate, channels: [samples] });
  }
  ring.setAnchor({ timestamp: 0, contextTime: 0, rate: 1 });
  const out = render(ring, 0, 1);
  let crossings = 0;
  for (let i = 1; i < out.length; i++) if ((out[i - 1] ?? 0) < 0 && (out[i] ?? 0) >= 0) crossings++;
  assert.ok(Math.abs(crossings - 440) <= 2, `${crossings} Hz`);
});

test("mono goes to both sides", () => {
  const ring = new AudioRing(RATE);
  ring.push({ timestamp: 0, sampleRate: RATE, channels: [new Float32Array(960).fill(0.5)] });
  ring.setAnchor({ timestamp: 0, contextTime: 0, rate: 1 });
  const planes = [new Float32Array(QUANTUM), new Float32Array(QUANTUM)];
  ring.render(planes, 0);
  ring.render(planes, QUANTUM / RATE);
  assert.equal(planes[1]?.[100], planes[0]?.[100]);
  assert.ok((planes[1]?.[100] ?? 0) > 0.4);
});

test("the queue is bounded, and useless chunks are refused", () => {
  const ring = new AudioRing(RATE);
  for (let s = 0; s < 60; s++) ring.push(chunk(s * 1000, RATE));
  assert.ok(ring.state(0).queued <= 12_000_000);
  ring.clear();
  ring.push({ timestamp: 0, sampleRate: 0, channels: [new Float32Array(10)] });
  ring.push({ timestamp: 0, sampleRate: RATE, channels: [] });
  assert.equal(ring.state(0).queued, 0);
});

const position = { running: true, timestamp: 10_000_000, contextTime: 2, rate: 1, queued: 0, underruns: 0 };

test("the lag of audio is the age of what leaves the loudspeaker", () => {
  const c = new AudioClock();
  assert.equal(c.lagAt(20_000), undefined);
  c.output(1.9, 20_000);
  c.report(position, 20_000);
  // At 20.0 s context time 1.9 is heard, 0.1 s before what was rendered last.
  assert.ok(Math.abs((c.lagAt(20_000) ?? 0) - (20_000 - 9_900)) < 1e-6);
  assert.ok(Math.abs((c.lagAt(20_100) ?? 0) - (20_000 - 9_900)) < 1e-6);
  assert.equal(c.contextTimeAt(20_100), 2);
});

test("what is rendered ahead of the loudspeaker is measured, the worst at once", () => {
  const c = new AudioClock();
  c.report(position, 19_000);
  assert.equal(c.renderAhead, 0);
  c.output(1.9, 20_000);
  c.report(position, 20_000);
  assert.ok(Math.abs(c.renderAhead - 100) < 1e-6);
  c.report({ ...position, contextTime: 2.05 }, 20_100);
  assert.ok(c.renderAhead < 100 && c.renderAhead > 85);
  c.reset();
  assert.equal(c.renderAhead, 0);
});

test("silence and old reports are no clock", () => {
  const c = new AudioClock();
  c.output(2, 20_000);
  c.report({ ...position, running: false }, 20_000);
  assert.equal(c.lagAt(20_000), undefined);
  c.report(position, 20_000);
  assert.notEqual(c.lagAt(20_500), undefined);
  assert.equal(c.lagAt(20_700), undefined);
  assert.equal(c.current(20_700), undefined);
});

test("jitter of the mapping is smoothed, a jump is taken at once", () => {
  const c = new AudioClock();
  c.output(1, 1000);
  c.output(2, 2010);
  assert.ok(Math.abs((c.contextTimeAt(2000) ?? 0) - 1.998) < 1e-9);
  c.output(3, 4000);
  assert.equal(c.contextTimeAt(4000), 3);
});

test("reports from before a jump are not believed", () => {
  const c = new AudioClock();
  c.output(2, 20_000);
  c.report(position, 20_000);
  c.jump(20_000);
  c.report(position, 20_050);
  assert.equal(c.lagAt(20_050), undefined);
  c.report(position, 20_200);
  assert.notEqual(c.lagAt(20_200), undefined);
});
