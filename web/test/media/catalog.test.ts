import assert from "node:assert/strict";
import { test } from "node:test";
import { gzipSync } from "node:zlib";
import { CatalogError, CatalogReader, type Catalog, type CatalogTrack } from "../../src/media/catalog.ts";
import { inflate, isCompressed } from "../../src/media/compression.ts";
import { kindOf, sameTrack, selectTracks } from "../../src/media/selection.ts";
import { utf8 } from "./make.ts";

const video = { name: "video_720_avc", packaging: "loc", isLive: true, role: "video", codec: "avc3.64001f", width: 1280, height: 720, framerate: 30, bitrate: 2_500_000, renderGroup: 1 };
const audio = { name: "audio_aac", packaging: "loc", isLive: true, role: "audio", codec: "mp4a.40.2", samplerate: 48000, channelConfig: "2", renderGroup: 1, targetLatency: 300 };

function read(doc: unknown): Catalog | undefined {
  return new CatalogReader().read(0, 0, utf8(JSON.stringify(doc)));
}

test("a whole catalog is read", () => {
  const c = read({ version: "draft-01", generatedAt: 1, tracks: [video, audio] });
  assert.deepEqual(c?.tracks[0], { ...video, encrypted: false });
  const { channelConfig: _, ...rest } = audio;
  assert.deepEqual(c?.tracks[1], { ...rest, channels: 2, encrypted: false });
  assert.equal(c?.isComplete, false);
});

test("unknown fields and unusable tracks are passed over", () => {
  const c = read({
    version: "draft-01", "com.example.x": {}, tracks: [{ ...video, buffers: { target: 1 }, "x-y": [1] }, { name: "no packaging" }, 7, null, { name: 5, packaging: "loc" }],
  });
  assert.deepEqual(c?.tracks.map((t) => t.name), ["video_720_avc"]);
});

test("fields of the wrong type are left out", () => {
  const [t] = read({ version: "draft-01", tracks: [{ ...video, width: "1280", height: -1, framerate: NaN, codec: 5, channelConfig: 2, samplerate: 0 }] })?.tracks ?? [];
  for (const field of ["width", "height", "framerate", "codec", "channels", "samplerate"] as const) assert.equal(t?.[field], undefined, field);
});

for (const [what, text] of [
  ["no JSON", "{"],
  ["no UTF-8", "\xff"],
  ["a list", "[]"],
  ["null", "null"],
  ["another version", JSON.stringify({ version: "draft-09", tracks: [] })],
  ["no version", JSON.stringify({ tracks: [] })],
  ["no tracks", JSON.stringify({ version: "draft-01" })],
  ["too many tracks", JSON.stringify({ version: "draft-01", tracks: new Array(300).fill(video) })],
] as const) {
  test(`a catalog that is ${what} is refused in words`, () => {
    const bytes = what === "no UTF-8" ? Uint8Array.of(0xff, 0xfe) : utf8(text);
    assert.throws(() => new CatalogReader().read(0, 0, bytes), CatalogError);
  });
}

test("a catalog larger than 1 MiB is refused", () => {
  assert.throws(() => new CatalogReader().read(0, 0, new Uint8Array((1 << 20) + 1)), CatalogError);
});

function names(c: Catalog | undefined): string[] | undefined {
  return c?.tracks.map((t) => t.name);
}

test("deltas apply in order", () => {
  const r = new CatalogReader();
  r.read(4, 0, utf8(JSON.stringify({ version: "draft-01", tracks: [video, audio] })));
  const delta = (object: number, ops: unknown): Catalog | undefined => r.read(4, object, utf8(JSON.stringify({ generatedAt: 2, deltaUpdate: ops })));
  assert.deepEqual(names(delta(1, [{ op: "add", tracks: [{ ...video, name: "slides" }] }])), ["video_720_avc", "audio_aac", "slides"]);
  const cloned = delta(2, [{ op: "clone", tracks: [{ parentName: "video_720_avc", name: "video_360_avc", height: 360 }] }, { op: "remove", tracks: [{ name: "slides" }] }]);
  assert.deepEqual(names(cloned), ["video_720_avc", "audio_aac", "video_360_avc"]);
  assert.equal(cloned?.tracks[2]?.width, 1280);
  assert.equal(cloned?.tracks[2]?.height, 360);
  assert.equal(delta(3, [{ op: "update", tracks: [{ parentName: "video_720_avc", bitrate: 4e6 }] }])?.tracks[0]?.bitrate, 4e6);
  assert.equal(delta(4, [{ op: "update", tracks: [{ name: "video_720_avc", bitrate: 5e6 }] }])?.tracks[0]?.bitrate, 5e6);
});

test("deltas without their base are ignored", () => {
  const r = new CatalogReader();
  const add = utf8(JSON.stringify({ deltaUpdate: [{ op: "add", tracks: [video] }] }));
  assert.equal(r.read(0, 1, add), undefined);
  r.read(1, 0, utf8(JSON.stringify({ version: "draft-01", tracks: [] })));
  assert.equal(r.read(1, 2, add), undefined, "object 1 is missing");
  assert.equal(r.read(0, 5, add), undefined, "an older group");
  assert.deepEqual(names(r.read(1, 1, add)), ["video_720_avc"]);
});

test("older catalogs and repeated objects do not count", () => {
  const r = new CatalogReader();
  const doc = (name: string): Uint8Array => utf8(JSON.stringify({ version: "draft-01", tracks: [{ ...video, name }] }));
  assert.deepEqual(names(r.read(7, 0, doc("new"))), ["new"]);
  assert.equal(r.read(6, 0, doc("old")), undefined);
  assert.equal(r.read(7, 0, doc("again")), undefined);
  r.reset();
  assert.deepEqual(names(r.read(0, 0, doc("restarted"))), ["restarted"]);
});

for (const [what, ops] of [
  ["no list", {}],
  ["an unknown operation", [{ op: "move", tracks: [{}] }]],
  ["an operation without tracks", [{ op: "add" }]],
  ["a clone of nothing", [{ op: "clone", tracks: [{ parentName: "x", name: "y" }] }]],
  ["an update of nothing", [{ op: "update", tracks: [{ parentName: "x" }] }]],
] as const) {
  test(`a delta with ${what} is refused`, () => {
    const r = new CatalogReader();
    r.read(0, 0, utf8(JSON.stringify({ version: "draft-01", tracks: [] })));
    assert.throws(() => r.read(0, 1, utf8(JSON.stringify({ deltaUpdate: ops }))), CatalogError);
  });
}

test("gzip is unpacked, damage and bombs are refused", async () => {
  const text = utf8(JSON.stringify({ version: "draft-01", tracks: [] }));
  assert.deepEqual(await inflate(gzipSync(text)), text);
  await assert.rejects(inflate(text), CatalogError);
  await assert.rejects(inflate(gzipSync(new Uint8Array(3 << 20))), CatalogError);
  assert.equal(isCompressed([]), false);
  assert.equal(isCompressed([{ type: 0x78, value: 1 }]), true);
  assert.throws(() => isCompressed([{ type: 0x78, value: 2 }]), CatalogError);
});

function track(over: Partial<CatalogTrack>): CatalogTrack {
  return { name: "t", packaging: "loc", isLive: true, encrypted: false, ...over };
}

test("the first playable pair is chosen", async () => {
  const tracks = [
    track({ name: "cmaf", role: "video", codec: "avc1.64001f", packaging: "cmaf" }),
    track({ name: "hevc", role: "video", codec: "hev1.1.6.L93.B0" }),
    track({ name: "secret", role: "video", codec: "avc3.64001f", encrypted: true }),
    track({ name: "over", role: "video", codec: "avc3.64001f", isLive: false }),
    track({ name: "good", role: "video", codec: "avc3.64001f", renderGroup: 2 }),
    track({ name: "other language", role: "audio", codec: "opus", renderGroup: 1 }),
    track({ name: "sound", role: "audio", codec: "opus", renderGroup: 2 }),
  ];
  const s = await selectTracks({ tracks, isComplete: false }, (_kind, t) => Promise.resolve(t.codec?.startsWith("hev1") !== true));
  assert.equal(s.video?.name, "good");
  assert.equal(s.audio?.name, "sound");
  assert.deepEqual(s.unsupported, ["hev1.1.6.L93.B0", "avc3.64001f (encrypted)"]);
});

test("audio of another render group is better than none, and a failing check means no", async () => {
  const tracks = [track({ name: "v", role: "video", codec: "vp8" }), track({ name: "a", role: "audio", codec: "opus", renderGroup: 9 })];
  const s = await selectTracks({ tracks, isComplete: false }, (kind) => (kind === "video" ? Promise.reject(new TypeError()) : Promise.resolve(true)));
  assert.equal(s.video, undefined);
  assert.equal(s.audio?.name, "a");
});

test("tracks without a role are judged by codec", () => {
  for (const [codec, kind] of [["avc3.42E01E", "video"], ["vp8", "video"], ["av01.0.08M.10", "video"], ["mp4a.40.2", "audio"], ["opus", "audio"], ["wvtt", undefined]] as const) {
    assert.equal(kindOf(track({ codec })), kind, codec);
  }
  assert.equal(kindOf(track({ codec: "avc3.42E01E", role: "signlanguage" })), undefined);
});

test("a new bitrate needs no new subscription, a new codec does", () => {
  assert.equal(sameTrack(track({ bitrate: 1 }), track({ bitrate: 2, width: 640 })), true);
  assert.equal(sameTrack(track({ codec: "vp8" }), track({ codec: "avc3.42E01E" })), false);
  assert.equal(sameTrack(undefined, undefined), true);
  assert.equal(sameTrack(track({}), undefined), false);
});
