import assert from "node:assert/strict";
import { test } from "node:test";
import type { PlayerStats } from "../../src/media/stats.ts";
import { statsRows } from "../../src/ui/stats-overlay.ts";
import { statusView } from "../../src/ui/status-veil.ts";

const stats: PlayerStats = {
  latencyMs: 312.4, audioLatencyMs: NaN, targetMs: 300, bufferMs: 180, jitterMs: 12.6, width: 1280, height: 720, fps: 29.97, bitrate: 2_512_000,
  droppedFrames: 3, decodedFrames: 97, paintedFrames: 90, stalls: 1, audioUnderruns: 0, groupsReceived: 20, groupsLost: 1, reconnects: 0, rttMs: NaN, playbackRate: 1.02, lastPaintedTimestamp: 1,
  connectedMs: 200, catalogedMs: 300, receivedMs: 300, paintedMs: 320,
  videoCodec: "avc3.64001F", audioCodec: "", transport: "moqt-18", clockSkewed: false,
};

test("the overlay says all numbers in words and units", () => {
  const rows = Object.fromEntries(statsRows(stats));
  assert.equal(statsRows(stats)[0]?.[1], "312 ms");
  assert.equal(rows["Sound latency"], "–");
  assert.equal(rows["Resolution"], "1280 × 720");
  assert.equal(rows["Frame rate"], "30.0 fps");
  assert.equal(rows["Bitrate"], "2.51 Mbit/s");
  assert.equal(rows["Dropped"], "3 of 100");
  assert.equal(rows["Video"], "avc3.64001F");
  assert.equal(rows["Sound"], "–");
  assert.equal(rows["WebTransport"], "moqt-18");
  assert.equal(rows["Speed"], "1.02×");
});

test("before the first picture nothing is claimed", () => {
  const rows = Object.fromEntries(statsRows({ ...stats, latencyMs: NaN, width: 0, height: 0, bitrate: 0, videoCodec: "", transport: "" }));
  for (const label of ["end-to-end latency", "Resolution", "Bitrate", "Video", "WebTransport"]) assert.equal(rows[label], "–", label);
});

test("what plays is not commented, what does not is", () => {
  const offline = { kind: "offline", text: "“cam” is not live." } as const;
  assert.equal(statusView("playing", offline).text, "");
  assert.deepEqual(statusView("connecting", offline), { text: "“cam” is not live.", busy: true, alert: false, retryInMs: undefined });
  assert.equal(statusView("idle", { kind: "ok" }).busy, false);
  assert.equal(statusView("waiting", { kind: "ok" }).busy, true);
  const down = statusView("waiting", { kind: "unreachable", text: "The relay does not answer.", retryInMs: 1500 });
  assert.deepEqual(down, { text: "The relay does not answer.", busy: true, alert: true, retryInMs: 1500 });
  const never = statusView("idle", { kind: "unsupported", text: "no codec" });
  assert.deepEqual(never, { text: "no codec", busy: false, alert: true, retryInMs: undefined });
});
