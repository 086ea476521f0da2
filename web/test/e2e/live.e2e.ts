// The live path with real processes: encoder or browser -> bridge and origin ->
// edge -> browser. Each test leaves its tab playing `cam`, for the next one.

import assert from "node:assert/strict";
import { createSocket } from "node:dgram";
import { after, before, type TestContext } from "node:test";
import { encoderClock, patternClock, type Clock } from "./clock.ts";
import type { Child } from "./child.ts";
import { TONE_HZ } from "./encoder.ts";
import type { Node } from "./nodes.ts";
import { onStage, Stage } from "./stage.ts";
import { pause, until } from "./until.ts";
import { agreement, describePicture, notMoving, noTone, percentile, tooLate } from "./verdict.ts";
import { Visitor, type Viewer } from "./viewer.ts";

/** Bounds of the requirements, ms. */
const LATENCY_P95 = 1000;
const OVERLAY_WITHIN = 100;
const RECOVERS_WITHIN = 5000;
/** A warm page shows a picture within a second; twice that and more for machines that do everything at once. */
const WARM_PAINT = 2500;

let stage: Stage;
let origin: Node;
let edge: Node;
let encoder: Child;
let viewer: Viewer;

const on = (name: string, body: (t: TestContext) => Promise<void>): void => onStage(name, () => stage, body);

before(async () => {
  stage = await Stage.open();
  ({ origin, edge } = await stage.tree());
});

after(() => stage?.close());

/** Watches for 20 s: the picture moves, the tone is heard, both soon after they were made, and the overlay tells the truth. */
async function assertLive(t: TestContext, v: Viewer, clock: Clock): Promise<void> {
  const [samples, spectra] = await Promise.all([v.look(clock, 20_000, 197), v.listen(40, 400)]);
  const picture = describePicture(samples);
  const figure = agreement(samples);
  const { stats } = await v.view();
  t.diagnostic(`latency from pixels: median ${round(picture.median)} ms, p95 ${round(picture.p95)} ms, worst ${round(picture.worst)} ms in ${picture.readable} samples`);
  t.diagnostic(`overlay minus pixels: medians ${round(figure.medians)} ms, 90 % of samples within ${round(figure.p90)} ms; timestamps minus clock: median ${round(figure.timestamps)} ms`);
  t.diagnostic(`player: ${JSON.stringify(stats)}`);
  assert.equal(notMoving(samples), "", "the picture moves");
  assert.equal(noTone(spectra, TONE_HZ), "", "the tone is heard");
  assert.equal(tooLate(samples, LATENCY_P95), "", "the picture is live");
  assert.ok(picture.samples >= 20);
  assert.ok(Math.abs(figure.medians) <= OVERLAY_WITHIN, `the overlay is off by ${figure.medians} ms`);
  assert.ok(figure.p90 <= 2 * OVERLAY_WITHIN, `one overlay figure in ten is off by more than ${figure.p90} ms`);
}

/** A short look: picture and tone are there. */
async function assertPlays(v: Viewer, clock: Clock = encoderClock): Promise<void> {
  const [samples, spectra] = await Promise.all([v.look(clock, 2000), v.listen(5, 300)]);
  assert.equal(notMoving(samples), "", "the picture moves");
  assert.equal(noTone(spectra, TONE_HZ), "", "the tone is heard");
}

/** Waits until the player has shown all that it had, and the overlay tells how old that is. */
async function stalled(v: Viewer): Promise<void> {
  await until("the player to wait for media", 8000, async () => {
    const { state, stats } = await v.view();
    return state === 2 && stats !== undefined && stats.bufferMs === 0 && stats.latencyMs > LATENCY_P95;
  });
}

on("SRT: the picture moves and the tone is heard at the edge, under a second late", async (t) => {
  encoder = stage.encoder({ port: origin.port("srt"), name: "cam" });
  await origin.live("cam");
  viewer = await stage.viewer();
  t.diagnostic(`first visit: picture after ${round(await viewer.watch(edge.page("/watch/cam")))} ms`);
  await viewer.hear();
  await assertLive(t, viewer, encoderClock);
  // The canvas is one thing, what the browser shows another.
  const screen = await viewer.screen(encoderClock);
  assert.ok(screen.clock !== undefined, "the clock can be read from the screen");
  assert.ok(screen.clock <= screen.after && screen.before - screen.clock < LATENCY_P95, `the screen shows ${screen.before - screen.clock} ms ago`);
});

on("a page that was open before shows a picture at once", async (t) => {
  const times: number[] = [];
  for (let i = 0; i < 5; i++) times.push(await viewer.watch(edge.page("/watch/cam")));
  t.diagnostic(`picture after ${times.map(round).join(", ")} ms; median ${round(percentile(times, 0.5))} ms`);
  assert.ok(percentile(times, 0.5) < WARM_PAINT, `median ${percentile(times, 0.5)} ms`);
  await viewer.hear();
});

on("a viewer who has touched nothing sees the picture, and hears it after a click", async () => {
  const other = await stage.viewer();
  assert.ok(await other.touch(edge.page("/watch/cam")), "the browser keeps the page silent");
  await other.hear();
  await assertPlays(other);
  await other.close();
});

on("the first page lists what is live, as it comes and goes", async () => {
  const visitor = await Visitor.open(stage.browser);
  await visitor.page.goto(edge.page("/"));
  const lists = (name: string): Promise<boolean> => visitor.live().then((links) => links.includes(edge.page(`/watch/${name}`)));
  await until("cam in the list", 5000, () => lists("cam"));
  const other = stage.encoder({ port: origin.port("srt"), name: "guest" });
  await until("guest in the list", 8000, () => lists("guest"));
  await other.stop();
  await until("guest to go from the list", 15_000, async () => !(await lists("guest")));
  assert.ok(await lists("cam"));
  await visitor.close();
});

on("50 subscribers at the edge are one subscription per track at the origin", async (t) => {
  const pins = edge.page("/certificate.sha256");
  const subscribers = Array.from({ length: 50 }, (_, i) =>
    stage.run(`sub ${i}`, stage.workshop.moqedge, ["sub", `moqt://${edge.addresses.relay}`, "cam", "--fingerprint-url", pins, "--timeout", "20s", "--json"]),
  );
  const ours = (perTrack: Readonly<Record<string, number>>): [string, number][] => Object.entries(perTrack).filter(([track]) => /^cam\W/.test(track));
  const atEdge = await until("50 subscriptions to video and audio at the edge", 40_000, async () => {
    const tracks = ours((await edge.stats()).perTrack);
    const full = (kind: string): boolean => tracks.some(([track, n]) => track.includes(kind) && n >= 50);
    return full("video") && full("audio") ? tracks : undefined;
  });
  await until("objects at every subscriber", 20_000, () => subscribers.every((s) => /"objects":[1-9]/.test(s.output)));
  const atOrigin = ours((await origin.stats()).perTrack);
  t.diagnostic(`edge: ${JSON.stringify(Object.fromEntries(atEdge))}`);
  t.diagnostic(`origin: ${JSON.stringify(Object.fromEntries(atOrigin))}`);
  assert.deepEqual(atOrigin.map(([track]) => track).sort(), atEdge.map(([track]) => track).sort());
  assert.deepEqual([...new Set(atOrigin.map(([, n]) => n))], [1]);
  const exits = await Promise.all(subscribers.map((s) => s.stop("SIGINT")));
  assert.ok(exits.every((e) => e.code === 0), `subscribers end with 0 on Ctrl-C: ${JSON.stringify(exits)}`);
  await assertPlays(viewer);
});

on("negative control: a frozen and silent publication fails the same assertions", async () => {
  const frozen = stage.encoder({ port: origin.port("srt"), name: "control", frozen: true });
  await origin.live("control");
  const other = await stage.viewer();
  await other.watch(edge.page("/watch/control"));
  await other.hear();
  await until("the frozen clock to be over a second old", 5000, async () => (await other.look(encoderClock, 1)).some((s) => s.after - (s.clock ?? Infinity) > LATENCY_P95));
  const [samples, spectra] = await Promise.all([other.look(encoderClock), other.listen()]);
  assert.equal((await other.view()).state, 4, "the player thinks that it plays");
  assert.match(notMoving(samples), /^1 different pictures/);
  assert.match(tooLate(samples, LATENCY_P95), /^95th percentile/);
  assert.match(noTone(spectra, TONE_HZ), /^440 Hz in 0 of/);
  await other.close();
  await frozen.stop();
});

on("negative control: a sender that stops fails the same assertions, and the latency grows", async () => {
  encoder.signal("SIGSTOP");
  await stalled(viewer);
  const [samples, spectra] = await Promise.all([viewer.look(encoderClock), viewer.listen()]);
  assert.match(notMoving(samples), /^1 different pictures/);
  assert.match(tooLate(samples, LATENCY_P95), /^95th percentile/);
  assert.match(noTone(spectra, TONE_HZ), /^440 Hz in 0 of/);
  const overlays = samples.map((s) => s.overlay);
  assert.ok((overlays.at(-1) ?? 0) - (overlays[0] ?? 0) > 1000, `the overlay's latency grows with the clock's: ${overlays.map(round).join(" ")}`);
});

on("an encoder that is killed in mid-packet and started again plays on in the same page", async (t) => {
  const same = await viewer.mark();
  await encoder.stop("SIGKILL");
  encoder = stage.encoder({ port: origin.port("srt"), name: "cam" });
  t.diagnostic(`plays again ${round(await viewer.plays(Date.now(), RECOVERS_WITHIN))} ms after the encoder's start`);
  await assertPlays(viewer);
  assert.ok(await same(), "the page was not loaded again");
});

on("an encoder that stops in order and starts again plays on in the same page", async (t) => {
  const same = await viewer.mark();
  await encoder.stop("SIGTERM");
  encoder = stage.encoder({ port: origin.port("srt"), name: "cam" });
  t.diagnostic(`plays again ${round(await viewer.plays(Date.now(), RECOVERS_WITHIN))} ms after the encoder's start`);
  await assertPlays(viewer);
  assert.ok(await same(), "the page was not loaded again");
});

on("an edge that is killed and started again plays on in the same page", async (t) => {
  const same = await viewer.mark();
  await edge.process.stop("SIGKILL");
  await edge.start();
  t.diagnostic(`plays again ${round(await viewer.plays(Date.now(), RECOVERS_WITHIN))} ms after the edge is ready`);
  await assertPlays(viewer);
  assert.ok(await same(), "the page was not loaded again");
});

on("bad input harms nobody else", async () => {
  const before = (await viewer.view()).stats;
  let watching = true;
  const watched = (async () => {
    const samples = [];
    while (watching) samples.push(...(await viewer.look(encoderClock, 500)));
    return samples;
  })();
  try {
    await sendGarbage([origin.port("relay"), edge.port("relay"), origin.port("srt")]);

    const cut = stage.encoder({ port: origin.port("srt"), name: "cut" });
    await origin.live("cut");
    await cut.stop("SIGKILL");

    const second = stage.encoder({ port: origin.port("srt"), name: "cam" });
    assert.notEqual((await second.exited).code, 0, "a second publisher of a name is refused");

    for (const [what, sdp, type, status] of [
      ["an offer of data channels alone", DATA_ONLY_OFFER, "application/sdp", [400, 422]],
      ["an offer that is none", "v=0\r\nwhat is this", "application/sdp", [400]],
      ["no SDP at all", "{}", "application/json", [415]],
    ] as const) {
      const answer = await fetch(origin.page("/whip/nobody"), { method: "POST", headers: { "Content-Type": type }, body: sdp });
      assert.ok((status as readonly number[]).includes(answer.status), `${what}: status ${answer.status}`);
      assert.match(await answer.text(), /\w+ \w+/, `${what} is refused in words`);
    }

    const other = await stage.viewer();
    await other.page.goto(edge.page("/watch/nobody"));
    const words = await until("words about the missing broadcast", 8000, async () => {
      const view = await other.view();
      return view.condition.kind === "offline" ? view.words : undefined;
    });
    assert.match(words, /not live/i);
    await other.close();
  } finally {
    watching = false;
  }
  assert.equal(notMoving(await watched), "", "the picture moves all the time");
  const now = (await viewer.view()).stats;
  assert.equal(now?.reconnects, before?.reconnects, "the viewer keeps its session");
  await until("the cut stream's name to be given up", 20_000, async () => !(await origin.stats()).ingests.some((i) => i.name === "cut" && i.live));
  assert.ok((await origin.stats()).ingests.some((i) => i.name === "cam" && i.live));
});

on("WHIP: the test pattern of the publish page, under a second late at the edge", async (t) => {
  await encoder.stop();
  await viewer.close();
  const publisher = await stage.publisher();
  await publisher.publish(origin.page("/publish/studio"));
  await origin.live("studio");
  const watcher = await stage.viewer();
  t.diagnostic(`first visit: picture after ${round(await watcher.watch(edge.page("/watch/studio")))} ms`);
  await watcher.hear();
  await assertLive(t, watcher, patternClock);
  t.diagnostic(`publish page: ${JSON.stringify(await publisher.numbers())}`);

  await publisher.end();
  await until("the end of the publication", 5000, async () => !(await origin.stats()).ingests.some((i) => i.name === "studio" && i.live));
  await stalled(watcher);
  const [samples, spectra] = await Promise.all([watcher.look(patternClock), watcher.listen()]);
  assert.match(notMoving(samples), /^1 different pictures/);
  assert.match(noTone(spectra, TONE_HZ), /^440 Hz in 0 of/);
});

on("nodes end with 0 when they are asked to", async () => {
  for (const node of [edge, origin]) assert.deepEqual(await node.process.stop("SIGTERM"), { code: 0, signal: null }, node.name);
});

/** An offer without audio and video. */
const DATA_ONLY_OFFER = [
  "v=0", "o=- 1 1 IN IP4 127.0.0.1", "s=-", "t=0 0", "a=group:BUNDLE 0",
  "m=application 9 UDP/DTLS/SCTP webrtc-datachannel", "c=IN IP4 0.0.0.0", "a=ice-ufrag:abcd", "a=ice-pwd:abcdefghijklmnopqrstuvwx",
  `a=fingerprint:sha-256 ${Array(32).fill("AB").join(":")}`, "a=setup:actpass", "a=mid:0", "a=sctp-port:5000", "",
].join("\r\n");

/** Datagrams that no protocol knows, and some that begin as if one did. */
async function sendGarbage(ports: readonly number[]): Promise<void> {
  const socket = createSocket("udp4");
  const send = (bytes: Uint8Array, port: number): Promise<void> =>
    new Promise((resolve, reject) => socket.send(bytes, port, "127.0.0.1", (e) => (e === null ? resolve() : reject(e))));
  try {
    for (let i = 0; i < 600; i++) {
      const bytes = crypto.getRandomValues(new Uint8Array((i * 37) % 1400));
      // QUIC long headers of version 1 and of no version, short headers, SRT control and data packets.
      const starts = [[], [0xc3, 0, 0, 0, 1, 8], [0xff, 0xff, 0xff, 0xff, 0xff], [0x43], [0x80, 0], [0x00]];
      bytes.set((starts[i % starts.length] ?? []).slice(0, bytes.length));
      for (const port of ports) await send(bytes, port);
      if (i % 50 === 0) await pause(5); // sockets drop what is sent at once
    }
  } finally {
    socket.close();
  }
}

function round(ms: number): number {
  return Math.round(ms);
}
