import assert from "node:assert/strict";
import { test } from "node:test";
import { Liveness } from "../../src/media/liveness.ts";
import { Receiver } from "../../src/media/receiver.ts";
import { Backoff } from "../../src/media/reconnect.ts";
import { FakeTimers, object, utf8 } from "./make.ts";
import { setup } from "./receiving.ts";

test("a live broadcast plays", async () => {
  const s = setup("/certificate.sha256");
  s.receiver.start();
  await s.playing(2000);
  assert.deepEqual(s.conditions, ["connecting", "ok"]);
  assert.deepEqual(s.pictures, [5, 6, 7], "the video is asked for before the catalog is there");
  assert.deepEqual(s.relay.sessions[0]?.open, ["catalog", "video", "audio"]);
  assert.deepEqual(s.fingerprints, ["/certificate.sha256"]);
  s.receiver.stop();
  assert.equal(s.relay.sessions[0]?.closedWith, "viewer left");
});

test("tracks with other names are played as well, from the catalog on", async () => {
  const s = setup();
  s.relay.names = { video: "camera", audio: "microphone" };
  s.receiver.start();
  await s.playing(2000);
  assert.deepEqual(s.pictures, [7, 8], "the first catalog comes before the subscription to the video");
  assert.deepEqual(s.relay.sessions[0]?.open, ["catalog", "camera", "microphone"]);
  // A later session knows the name of what came.
  s.relay.sessions[0]?.lose();
  await s.timers.pass(400);
  assert.deepEqual(s.relay.sessions[1]?.subs.map((x) => x.track), ["catalog", "camera"]);
  s.receiver.stop();
});

test("what was asked for early and is not in the catalog is left", async () => {
  const s = setup();
  s.receiver.start();
  await s.timers.pass(10);
  assert.deepEqual(s.relay.sessions[0]?.open, ["catalog", "video", "audio"]);
  s.relay.names = { video: "camera", audio: "audio" };
  await s.playing(2000);
  assert.deepEqual(s.relay.sessions[0]?.open, ["catalog", "audio", "camera"]);
  s.receiver.stop();
});

test("the fingerprint told with the source serves the first connection, those after it ask", async () => {
  const s = setup("/certificate.sha256", "ab".repeat(32));
  s.receiver.start();
  await s.playing(1000);
  assert.deepEqual(s.fingerprints, [], "nothing is fetched before the picture");
  assert.deepEqual(s.relay.sessions[0]?.options.fingerprints, [new Uint8Array(32).fill(0xab)]);
  s.relay.sessions[0]?.lose();
  await s.playing(1000);
  assert.deepEqual(s.fingerprints, ["/certificate.sha256"]);
  assert.deepEqual(s.relay.sessions[1]?.options.fingerprints, [new Uint8Array(32)]);
  s.receiver.stop();
});

test("a certificate that was announced is known when it is in use", async () => {
  const s = setup("/certificate.sha256", `${"ab".repeat(32)},${"00".repeat(32)}`);
  s.relay.certificate = new Uint8Array(32);
  s.receiver.start();
  await s.timers.pass(1000);
  assert.deepEqual(s.fingerprints, []);
  assert.deepEqual(s.conditions.slice(0, 1), ["connecting"]);
  assert.ok(s.relay.sessions.length > 0);
  s.receiver.stop();
});

test("a certificate that was renewed meanwhile is asked for at once, without a complaint", async () => {
  const s = setup("/certificate.sha256", "ab".repeat(32));
  s.relay.certificate = new Uint8Array(32);
  s.receiver.start();
  await s.playing(1000);
  assert.deepEqual(s.fingerprints, ["/certificate.sha256"]);
  assert.deepEqual(s.conditions, ["connecting", "ok"]);
  assert.equal(s.relay.attempts.length, 2);
  s.receiver.stop();
});

test("nothing reaches the sink after stop", async () => {
  const s = setup();
  s.receiver.start();
  await s.playing(1000);
  const before = s.pictures.length;
  s.receiver.stop();
  await s.playing(3000);
  assert.equal(s.pictures.length, before);
  assert.equal(s.relay.sessions.length, 1);
});

test("a broadcast that is not live is waited for", async () => {
  const s = setup();
  s.relay.live = false;
  s.receiver.start();
  await s.timers.pass(20_000);
  assert.deepEqual(s.conditions, ["connecting", "offline: “cam” is not live. It starts by itself when it is."]);
  assert.equal(s.relay.sessions.length, 1, "the session is good: refusals are answers");
  s.relay.live = true;
  s.relay.sessions[0]?.announce(true);
  await s.timers.pass(10);
  await s.playing(1000);
  assert.equal(s.conditions[s.conditions.length - 1], "ok");
  assert.ok(s.pictures.length > 0);
});

test("without announcements it is found all the same", async () => {
  const s = setup();
  s.relay.live = false;
  s.receiver.start();
  await s.timers.pass(5000);
  s.relay.live = true;
  await s.timers.pass(1600);
  await s.playing(1000);
  assert.ok(s.pictures.length > 0);
});

test("a relay that is down is tried again, soon and then less often, and told in words", async () => {
  const s = setup();
  s.relay.mode = "down";
  s.receiver.start();
  await s.timers.pass(30_000);
  assert.match(s.conditions[1] ?? "", /^unreachable: The relay at relay.test:4443 does not answer, does not admit this page, or its certificate was refused/);
  const gaps = s.relay.attempts.slice(1).map((t, i) => t - (s.relay.attempts[i] ?? 0));
  assert.ok((gaps[0] ?? 0) <= 250);
  assert.ok(Math.max(...gaps) <= 3000);
  assert.ok(s.relay.attempts.length >= 10);
});

test("a relay that restarted is played from again within five seconds, with its new certificate", async () => {
  const s = setup("/certificate.sha256");
  s.receiver.start();
  await s.playing(10_000);
  s.relay.mode = "down";
  s.relay.sessions[0]?.lose();
  await s.timers.pass(20_000);
  s.relay.mode = "up";
  const asked = s.fingerprints.length;
  const before = s.pictures.length;
  await s.timers.pass(3100);
  await s.playing(1000);
  assert.ok(s.pictures.length > before);
  assert.ok(s.fingerprints.length > asked);
  assert.equal(s.conditions[s.conditions.length - 1], "ok");
  assert.equal(s.receiver.reconnects, 1);
});

test("a relay that vanished without a word is replaced beside the old session", async () => {
  const s = setup();
  s.receiver.start();
  await s.playing(3000);
  const [first] = s.relay.sessions;
  if (first !== undefined) first.dead = true;
  const before = s.pictures.length;
  await s.timers.pass(2600);
  assert.equal(s.relay.sessions.length, 2);
  assert.equal(first?.closedWith, undefined, "the old one may only be slow");
  await s.playing(1000);
  assert.ok(s.pictures.length > before);
  await s.playing(5000);
  assert.equal(first?.closedWith, "replaced");
});

test("a relay that does not answer at all is given up within one backoff after it is back", async () => {
  const s = setup();
  s.receiver.start();
  await s.playing(3000);
  const [first] = s.relay.sessions;
  if (first !== undefined) first.dead = true;
  s.relay.mode = "silent";
  await s.timers.pass(15_000);
  assert.match(s.conditions[s.conditions.length - 1] ?? "", /^unreachable/);
  s.relay.mode = "up";
  await s.timers.pass(3100);
  await s.playing(1000);
  assert.equal(s.conditions[s.conditions.length - 1], "ok");
});

test("a session that answers but delivers nothing is kept", async () => {
  const s = setup();
  s.receiver.start();
  await s.playing(3000);
  await s.timers.pass(20_000);
  assert.equal(s.relay.sessions.length, 1, "pings are answered, so the source is silent and not the relay");
});

test("a silent track is subscribed again while the catalog goes on", async () => {
  const s = setup();
  s.receiver.start();
  await s.playing(1000);
  for (let i = 0; i < 12; i++) {
    s.relay.sessions[0]?.send("catalog", object(s.relay.catalogs++, 0, utf8('{"version":"draft-01","tracks":[{"name":"video","packaging":"loc","isLive":true,"codec":"vp8"}]}')));
    await s.timers.pass(500);
  }
  const subscribed = s.relay.sessions[0]?.subs.filter((x) => x.track === "video").length ?? 0;
  assert.ok(subscribed >= 2, `${subscribed} subscriptions`);
});

test("a broadcast that ended and began again is joined again", async () => {
  const s = setup();
  s.receiver.start();
  await s.playing(2000);
  const session = s.relay.sessions[0];
  s.relay.live = false;
  session?.announce(false);
  session?.done();
  await s.timers.pass(5000);
  assert.match(s.conditions[s.conditions.length - 1] ?? "", /^offline/);
  s.relay.live = true;
  s.relay.catalogs = 0;
  session?.announce(true);
  await s.timers.pass(10);
  const before = s.pictures.length;
  await s.playing(1500);
  assert.ok(s.pictures.length > before);
  assert.equal(s.relay.sessions.length, 1);
  assert.deepEqual([...(session?.open ?? [])].sort(), ["audio", "catalog", "video"]);
});

test("an old session that revives is kept when no new one can be had", async () => {
  const s = setup();
  s.receiver.start();
  await s.playing(2000);
  const [first] = s.relay.sessions;
  s.relay.mode = "down";
  if (first !== undefined) first.dead = true;
  await s.timers.pass(3000);
  assert.match(s.conditions[s.conditions.length - 1] ?? "", /^unreachable/);
  if (first !== undefined) first.dead = false;
  await s.playing(1000);
  assert.equal(s.conditions[s.conditions.length - 1], "ok");
  const attempts = s.relay.attempts.length;
  await s.playing(10_000);
  assert.equal(s.relay.attempts.length, attempts, "no more attempts");
});

test("a catalog that cannot be used is told, and the next one is taken", async () => {
  const s = setup();
  s.receiver.start();
  await s.timers.pass(10);
  s.relay.sessions[0]?.send("catalog", object(0, 0, utf8("nonsense")));
  await s.timers.pass(10);
  assert.match(s.conditions[s.conditions.length - 1] ?? "", /^unsupported: The catalog is not valid JSON/);
  s.relay.catalogs = 1;
  await s.playing(1000);
  assert.equal(s.conditions[s.conditions.length - 1], "ok");
});

test("a fingerprint that cannot be fetched is told in words", async () => {
  const timers = new FakeTimers();
  const texts: string[] = [];
  const r = new Receiver(
    { relay: "https://relay.test/live", name: "cam", fingerprint: "/f" },
    {
      timers, random: () => 0, supports: () => Promise.resolve(true),
      connect: () => Promise.reject(new Error("not reached")),
      fingerprints: () => Promise.reject(new Error("The fingerprint cannot be fetched.")),
    },
    { condition: (c) => "text" in c && texts.push(c.text), selected() {}, object() {}, groupEnd() {}, joined() {} },
  );
  r.start();
  await timers.pass(1000);
  assert.equal(texts[0], "The fingerprint cannot be fetched.");
  r.stop();
});

test("backoff grows, is bounded, and differs between viewers", () => {
  for (const [random, least, most] of [[0, 0.5, 0.5], [0.999, 0.99, 1]] as const) {
    const b = new Backoff({ random: () => random });
    for (const span of [250, 500, 1000, 2000, 3000, 3000]) {
      b.start(0);
      const pause = b.fail(0);
      assert.ok(pause >= span * least - 1 && pause <= span * most, `${pause} of ${span}`);
    }
  }
});

test("an attempt that hung has waited already", () => {
  const b = new Backoff({ random: () => 0.999 });
  for (let i = 0; i < 6; i++) {
    b.start(0);
    b.fail(0);
  }
  b.start(0);
  assert.ok(b.fail(2500) < 600);
  b.start(0);
  assert.equal(b.fail(10_000), 125);
});

test("success that lasts is forgiven, success that does not is not", () => {
  const b = new Backoff({ random: () => 0.999 });
  for (let i = 0; i < 6; i++) {
    b.start(0);
    b.fail(0);
  }
  b.start(0);
  b.succeed(10);
  assert.ok(b.fail(500) > 2500);
  b.start(1000);
  b.succeed(1010);
  assert.ok(b.fail(10_000) <= 250);
  b.reset();
  assert.equal(b.count, 0);
});

test("silence is doubted once, then more and more patiently", () => {
  const l = new Liveness();
  assert.equal(l.suspect(100_000), false, "nothing is expected yet");
  l.begin(0);
  const doubts: number[] = [];
  for (let t = 0; t <= 60_000; t += 250) if (l.suspect(t)) doubts.push(t);
  assert.deepEqual(doubts, [2000, 6000, 14_000, 30_000, 46_000]);
  l.heard(60_000);
  assert.equal(l.suspect(61_900), false);
  assert.equal(l.suspect(62_000), true);
  assert.equal(l.silentFor(62_000), 2000);
  l.stop();
  assert.equal(l.silentFor(70_000), 0);
});

test("a catalog that lists nothing and is not renewed is asked for again", async () => {
  const s = setup();
  s.receiver.start();
  await s.timers.pass(10);
  const [session] = s.relay.sessions;
  session?.send("catalog", object(0, 0, utf8('{"version":"draft-01","tracks":[]}')));
  await s.timers.pass(30_000);
  const asked = session?.subs.filter((x) => x.track === "catalog").length ?? 0;
  assert.ok(asked >= 3 && asked <= 5, `${asked} times`);
  assert.deepEqual(session?.open, ["catalog"]);
  await s.playing(1500);
  assert.ok(s.pictures.length > 0);
});
