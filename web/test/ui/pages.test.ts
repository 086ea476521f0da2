import assert from "node:assert/strict";
import { test } from "node:test";
import type { TrackHandler } from "../../src/moq/index.ts";
import type { CatalogTrack } from "../../src/media/catalog.ts";
import { missingFeature } from "../../src/ui/features.ts";
import { broadcastName, codecName, describe, LiveList, type LiveEntry, type ListSession } from "../../src/ui/live-list.ts";
import { noPermission, refusal as refused } from "../../src/media/refusal.ts";
import { MoqError, RequestError, SessionError } from "../../src/moq/index.ts";
import { readSiteConfig } from "../../src/ui/site-config.ts";
import { keepToken, tokenOf, withToken } from "../../src/ui/token.ts";
import { cellsTime, timeCells } from "../../src/ui/test-pattern.ts";
import { refusal, withStartBitrate } from "../../src/ui/whip-client.ts";
import { object, settle, utf8 } from "../media/make.ts";

test("the settings name the relay by the page's host", () => {
  const doc = { relay: "https://{host}:4443/live", fingerprint: "/certificate.sha256", certificate: "ab12", whip: "/whip/", srtPort: 9000 };
  assert.deepEqual(readSiteConfig(doc, "edge.example"), { relay: "https://edge.example:4443/live", fingerprint: "/certificate.sha256", certificate: "ab12", whip: "/whip/", srtPort: 9000 });
  assert.equal(readSiteConfig(doc, "localhost")?.relay, "https://127.0.0.1:4443/live");
  assert.equal(readSiteConfig(doc, "[::1]")?.relay, "https://[::1]:4443/live");
  assert.deepEqual(readSiteConfig({ relay: "https://r/live", fingerprint: null, whip: null, srtPort: 0 }, "h"), {
    relay: "https://r/live", fingerprint: undefined, certificate: undefined, whip: undefined, srtPort: undefined,
  });
  for (const bad of [null, 5, [], {}, { relay: 7 }, { relay: "" }]) assert.equal(readSiteConfig(bad, "h"), undefined);
});

test("the token of the page goes to the relay and to other pages", () => {
  assert.equal(tokenOf({ search: "", hash: "" }), undefined);
  assert.equal(tokenOf({ search: "?jwt=", hash: "#x" }), undefined);
  assert.equal(tokenOf({ search: "?source=pattern&jwt=a.b.c", hash: "" }), "a.b.c");
  assert.equal(tokenOf({ search: "?jwt=a.b.c", hash: "#jwt=d.e.f" }), "d.e.f");
  assert.equal(withToken("https://h:4443/live", undefined), "https://h:4443/live");
  assert.equal(withToken("https://h:4443/live", "a.b-_c"), "https://h:4443/live?jwt=a.b-_c");
  assert.equal(withToken("https://h/live?jwt=own", "a"), "https://h/live?jwt=own");
  assert.equal(keepToken("/watch/cam", undefined), "/watch/cam");
  assert.equal(keepToken("/watch/cam", "a&b"), "/watch/cam#jwt=a%26b");
});

test("refusals that are a matter of tokens say what to do", () => {
  const words = (kind: MoqError["kind"], code: number): string => refused("https://h:1/live", new MoqError(kind, code, "said"));
  assert.match(words("session", SessionError.UNAUTHORIZED), /needs a permission/);
  assert.match(words("request", RequestError.UNAUTHORIZED), /needs a permission/);
  assert.match(words("session", SessionError.EXPIRED_AUTH_TOKEN), /is over/);
  assert.match(words("request", RequestError.EXPIRED_AUTH_TOKEN), /is over/);
  assert.match(words("session", SessionError.MALFORMED_AUTH_TOKEN), /cannot be read/);
  assert.match(words("transport", SessionError.UNAUTHORIZED), /does not answer/);
  assert.match(words("session", SessionError.PROTOCOL_VIOLATION), /refuses: said/);
  assert.equal(noPermission(new Error("x")), undefined);
});

test("only namespaces of broadcasts are listed", () => {
  assert.equal(broadcastName(["cam-1.loc"]), "cam-1");
  assert.equal(broadcastName(["a.b_c.loc"]), "a.b_c");
  for (const other of [["cam.msf"], ["cam.loc", "x"], [], [".loc"], ["<b>.loc"], [`${"a".repeat(65)}.loc`]]) assert.equal(broadcastName(other), undefined);
});

const track = (over: Partial<CatalogTrack>): CatalogTrack => ({ name: "t", packaging: "loc", isLive: true, encrypted: false, ...over });

test("a catalog is described in a line", () => {
  const video = track({ role: "video", codec: "avc3.64001f", width: 1280, height: 720, framerate: 29.97 });
  const audio = track({ role: "audio", codec: "mp4a.40.2" });
  assert.equal(describe({ tracks: [video, audio], isComplete: false }), "1280 × 720, 29.97 fps, H.264, AAC");
  assert.equal(describe({ tracks: [audio], isComplete: false }), "AAC, sound only");
  assert.equal(describe({ tracks: [], isComplete: false }), "");
  assert.deepEqual(["vp8", "opus", "hvc1.1", "av01.0", "vp09.00", "xyz"].map(codecName), ["VP8", "Opus", "H.265", "AV1", "VP9", "xyz"]);
});

class FakeSession implements ListSession {
  on: { add(ns: string[]): void; remove(ns: string[]): void; error(e: Error): void } | undefined;
  handlers = new Map<string, TrackHandler>();
  closed: string[] = [];

  subscribe(t: { namespace: string[] }, _o: object, handler: TrackHandler): Promise<{ close(): void }> {
    const name = t.namespace[0] ?? "";
    this.handlers.set(name, handler);
    return Promise.resolve({ close: () => void this.closed.push(name) });
  }

  subscribeNamespace(_prefix: string[], on: FakeSession["on"]): { close(): void } {
    this.on = on;
    return { close() {} };
  }
}

test("the list follows what is live and fills in details", async () => {
  const session = new FakeSession();
  let shown: LiveEntry[] = [];
  let ended = "";
  new LiveList(session, (entries) => (shown = entries), (text) => (ended = text));
  session.on?.add(["zoo.loc"]);
  session.on?.add(["zoo.msf"]);
  session.on?.add(["bar.loc"]);
  session.on?.add(["bar.loc"]);
  assert.deepEqual(shown.map((e) => e.name), ["bar", "zoo"]);
  await settle();
  const catalog = { version: "draft-01", tracks: [{ name: "v", packaging: "loc", isLive: true, role: "video", codec: "vp8", width: 640, height: 360 }] };
  session.handlers.get("zoo.loc")?.onObject(object(0, 0, utf8(JSON.stringify(catalog))));
  session.handlers.get("bar.loc")?.onObject(object(0, 0, utf8("nonsense")));
  await settle();
  assert.deepEqual(shown, [{ name: "bar", details: "" }, { name: "zoo", details: "640 × 360, VP8" }]);
  session.on?.remove(["zoo.loc"]);
  session.on?.remove(["never.loc"]);
  assert.deepEqual(shown.map((e) => e.name), ["bar"]);
  assert.deepEqual(session.closed, ["zoo.loc"]);
  session.on?.error(new Error("closed"));
  assert.equal(ended, "closed");
});

test("a browser that lacks something is told what", () => {
  const able = { isSecureContext: true, WebTransport: {}, VideoDecoder: {}, OffscreenCanvas: {} };
  assert.equal(missingFeature(able), undefined);
  assert.match(missingFeature({ ...able, isSecureContext: false }) ?? "", /https/);
  const { WebTransport: _w, ...noTransport } = able;
  assert.match(missingFeature(noTransport) ?? "", /WebTransport/);
  const { VideoDecoder: _v, ...noCodecs } = able;
  assert.match(missingFeature(noCodecs) ?? "", /WebCodecs/);
});

test("the time in the test pattern survives a round trip, and other rows are refused", () => {
  for (const t of [0, 1, 1_790_000_123_456, 2 ** 44 - 1]) assert.equal(cellsTime(timeCells(t)), t);
  assert.equal(cellsTime(new Array<boolean>(48).fill(false)), undefined);
  assert.equal(cellsTime(new Array<boolean>(48).fill(true)), undefined);
  assert.equal(cellsTime([]), undefined);
});

test("refusals of a WHIP server are put in words", () => {
  assert.match(refusal(409, "cam is live from 10.0.0.1"), /^Somebody else is live under this name: cam is live/);
  assert.match(refusal(401, "a token is needed"), /needs a permission.*token.*: a token is needed\.$/);
  assert.match(refusal(403, ""), /does not permit to publish under this name\.$/);
  assert.match(refusal(404, ""), /^This server takes no publications/);
  assert.match(refusal(503, "x".repeat(1000)), /^The server refused \(503\): x{300}\.$/);
});

test("only video formats get a start bitrate", () => {
  const sdp = "m=audio 9 UDP/TLS/RTP/SAVPF 111\r\na=fmtp:111 minptime=10\r\nm=video 9 UDP/TLS/RTP/SAVPF 102\r\na=rtpmap:102 H264/90000\r\na=fmtp:102 packetization-mode=1\r\n";
  const changed = withStartBitrate(sdp);
  assert.equal(changed, sdp.replace("packetization-mode=1", "packetization-mode=1;x-google-start-bitrate=1500"));
});
