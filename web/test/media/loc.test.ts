import assert from "node:assert/strict";
import { test } from "node:test";
import { buildAsc, parseAsc } from "../../src/media/asc.ts";
import { codecOfConfig, configFromKeyFrame, isAnnexB, splitAvcc } from "../../src/media/avc.ts";
import { audioConfig, sameConfig, videoConfig } from "../../src/media/decoder-config.ts";
import { fetchFingerprints, parseFingerprints } from "../../src/media/fingerprint.ts";
import { readUnit } from "../../src/media/loc.ts";
import { Timeline } from "../../src/media/timeline.ts";
import { object, unit } from "./make.ts";

const payload = Uint8Array.of(1, 2, 3);
const VIDEO = { kind: "video", timescale: undefined } as const;
const AUDIO = { kind: "audio", timescale: undefined } as const;

test("timestamps are taken from where they may be", () => {
  const at = (properties: { type: number; value: number | bigint }[], timescale?: number): number | undefined =>
    readUnit(object(1, 0, payload, properties), { kind: "video", timescale })?.timestamp;
  assert.equal(at([{ type: 0x10, value: 1_790_000_000_000_000 }]), 1_790_000_000_000_000);
  assert.equal(at([{ type: 0x06, value: 5 }]), 5);
  assert.equal(at([{ type: 0x06, value: 5 }, { type: 0x10, value: 7 }]), 7);
  assert.equal(at([{ type: 0x10, value: 90_000n }, { type: 0x08, value: 90_000 }]), 1_000_000);
  assert.equal(at([{ type: 0x10, value: 48_000 }], 48_000), 1_000_000);
  assert.equal(at([]), undefined);
  assert.equal(at([{ type: 0x10, value: 1n << 62n }]), undefined);
});

test("wall-clock time and media time are told apart", () => {
  assert.equal(readUnit(object(1, 0, payload, [{ type: 0x10, value: 5 }]), VIDEO)?.wallClock, true);
  assert.equal(readUnit(object(1, 0, payload, [{ type: 0x10, value: 5 }, { type: 0x08, value: 1000 }]), VIDEO)?.wallClock, false);
});

test("media time starts when its first unit arrives, for all tracks alike", () => {
  const t = new Timeline();
  const timed = (timestamp: number): ReturnType<typeof unit> => unit(0, 0, { timestamp, wallClock: false });
  assert.equal(t.place(timed(2_000_000), 10_000).timestamp, 10_000_000);
  assert.equal(t.place(timed(2_500_000), 99_000).timestamp, 10_500_000);
  assert.equal(t.place(unit(0, 0, { timestamp: 42 }), 99_000).timestamp, 42);
  t.reset();
  assert.equal(t.place(timed(0), 5).timestamp, 5000);
});

test("key units: the first of a group, marked ones, all of audio", () => {
  const time = { type: 0x10, value: 1 };
  assert.equal(readUnit(object(1, 0, payload, [time]), VIDEO)?.key, true);
  assert.equal(readUnit(object(1, 1, payload, [time]), VIDEO)?.key, false);
  assert.equal(readUnit(object(1, 1, payload, [time, { type: 0x09, value: Uint8Array.of(0xe0) }]), VIDEO)?.key, true);
  assert.equal(readUnit(object(1, 1, payload, [time, { type: 0x09, value: Uint8Array.of(0xc0) }]), VIDEO)?.key, false);
  assert.equal(readUnit(object(1, 9, payload, [time]), AUDIO)?.key, true);
});

test("each kind takes its own configuration", () => {
  const properties = [{ type: 0x10, value: 1 }, { type: 0x0d, value: Uint8Array.of(1) }, { type: 0x0f, value: Uint8Array.of(2) }];
  assert.deepEqual(readUnit(object(1, 0, payload, properties), VIDEO)?.config, Uint8Array.of(1));
  assert.deepEqual(readUnit(object(1, 0, payload, properties), AUDIO)?.config, Uint8Array.of(2));
});

test("objects without media are passed over", () => {
  const time = [{ type: 0x10, value: 1 }];
  assert.equal(readUnit({ ...object(1, 0, payload, time), status: 3 }, VIDEO), undefined);
  assert.equal(readUnit(object(1, 0, new Uint8Array(0), time), VIDEO), undefined);
});

const sps = Uint8Array.of(0x67, 0x64, 0x00, 0x1f, 0xac);
const pps = Uint8Array.of(0x68, 0xee, 0x3c);
const idr = Uint8Array.of(0x65, 0x88);

function avcc(...nals: Uint8Array[]): Uint8Array {
  return Uint8Array.from(nals.flatMap((n) => [0, 0, 0, n.length, ...n]));
}

test("a decoder configuration is made from parameter sets in band", () => {
  const config = configFromKeyFrame(avcc(sps, pps, idr));
  assert.deepEqual(config, Uint8Array.of(1, 0x64, 0, 0x1f, 0xff, 0xe1, 0, 5, ...sps, 1, 0, 3, ...pps));
  assert.equal(codecOfConfig(config ?? new Uint8Array()), "avc3.64001F");
  assert.equal(configFromKeyFrame(avcc(idr)), undefined);
  assert.equal(configFromKeyFrame(Uint8Array.of(0, 0, 0, 1, ...sps)), undefined);
});

test("broken lengths end an access unit", () => {
  const whole = avcc(sps, pps);
  for (let n = 0; n <= whole.length; n++) assert.ok(splitAvcc(whole.subarray(0, n)).length <= 2);
  assert.deepEqual(splitAvcc(Uint8Array.of(0xff, 0xff, 0xff, 0xff, 1)), []);
  assert.equal(isAnnexB(Uint8Array.of(0, 0, 0, 1, 0x67)), true);
  assert.equal(isAnnexB(Uint8Array.of(0, 0, 1, 0x67)), true);
  assert.equal(isAnnexB(avcc(sps)), false);
});

const avcTrack = { name: "v", packaging: "loc", isLive: true, encrypted: false, codec: "avc3.42E01E" };

test("the video decoder is configured by the unit before the catalog", () => {
  const config = Uint8Array.of(1, 0x64, 0, 0x28, 0xff);
  assert.deepEqual(videoConfig(avcTrack, unit(0, 0, { config })), { codec: "avc3.640028", optimizeForLatency: true, description: config });
  assert.equal(videoConfig(avcTrack, unit(0, 0, { payload: avcc(sps, pps, idr) })).codec, "avc3.64001F");
  assert.equal(videoConfig(avcTrack, unit(0, 0, { payload: Uint8Array.of(0, 0, 0, 1, 0x65) })).description, undefined);
  assert.deepEqual(videoConfig({ ...avcTrack, codec: "vp8" }, unit(0, 0)), { codec: "vp8", optimizeForLatency: true });
});

test("the audio decoder is configured by the unit, else from the catalog", () => {
  const track = { name: "a", packaging: "loc", isLive: true, encrypted: false, codec: "mp4a.40.2", samplerate: 44100, channels: 1 };
  const asc = Uint8Array.of(0x11, 0x90);
  assert.deepEqual(audioConfig(track, unit(0, 0, { config: asc })), { codec: "mp4a.40.2", sampleRate: 48000, numberOfChannels: 2, description: asc });
  assert.deepEqual(audioConfig(track), { codec: "mp4a.40.2", sampleRate: 44100, numberOfChannels: 1, description: Uint8Array.of(0x12, 0x08) });
  assert.deepEqual(audioConfig({ ...track, codec: "opus", samplerate: 48000, channels: 2 }), { codec: "opus", sampleRate: 48000, numberOfChannels: 2 });
  assert.equal(sameConfig({ codec: "a", description: asc }, { codec: "a", description: Uint8Array.of(0x11, 0x90) }), true);
  assert.equal(sameConfig({ codec: "a", description: asc }, { codec: "a" }), false);
  assert.equal(sameConfig({ codec: "a" }, { codec: "b" }), false);
});

test("audio configurations survive a round trip", () => {
  for (const sampleRate of [48000, 44100, 8000]) {
    for (const channels of [1, 2, 6, 8]) assert.deepEqual(parseAsc(buildAsc({ sampleRate, channels }) ?? new Uint8Array()), { sampleRate, channels });
  }
  assert.equal(buildAsc({ sampleRate: 12345, channels: 2 }), undefined);
  assert.equal(parseAsc(Uint8Array.of(0x11)), undefined);
  assert.equal(parseAsc(Uint8Array.of(0x17, 0x90)), undefined, "an explicit rate");
});

test("fingerprints are hex of 32 bytes", () => {
  const hex = "0f".repeat(32);
  assert.deepEqual(parseFingerprints(` ${hex}\n`), [new Uint8Array(32).fill(0x0f)]);
  assert.deepEqual(parseFingerprints(hex.match(/../g)?.join(":").toUpperCase() ?? ""), [new Uint8Array(32).fill(0x0f)]);
  assert.deepEqual(parseFingerprints(`${hex}, ${"a1".repeat(32)}`), [new Uint8Array(32).fill(0x0f), new Uint8Array(32).fill(0xa1)]);
  for (const bad of ["", hex.slice(2), `${hex}00`, `${hex},`, "zz".repeat(32), "<html>"]) assert.equal(parseFingerprints(bad), undefined);
});

test("a fingerprint that cannot be had is explained", async (t) => {
  const answers = [() => Promise.reject(new Error("refused")), () => Promise.resolve(new Response("no", { status: 404 })), () => Promise.resolve(new Response("hello"))];
  for (const answer of answers) {
    t.mock.method(globalThis, "fetch", answer);
    await assert.rejects(fetchFingerprints("http://h/c"), /http:\/\/h\/c/);
  }
  t.mock.method(globalThis, "fetch", () => Promise.resolve(new Response("ab".repeat(32))));
  assert.equal((await fetchFingerprints("http://h/c"))[0]?.length, 32);
});
