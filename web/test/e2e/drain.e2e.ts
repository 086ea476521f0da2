// An edge that is told to end while somebody watches: the player goes on at
// another one, without a lost group and without a freeze that can be seen.

import assert from "node:assert/strict";
import path from "node:path";
import { after, before, type TestContext } from "node:test";
import { DRAFTS } from "../../src/moq/wire/draft.ts";
import { encoderClock } from "./clock.ts";
import { TONE_HZ } from "./encoder.ts";
import type { Node } from "./nodes.ts";
import { onStage, Stage } from "./stage.ts";
import { until } from "./until.ts";
import { describePicture, noTone, notMoving } from "./verdict.ts";
import type { Viewer } from "./viewer.ts";

/** A picture may stand still this long (ms), which it also may on a busy machine while nothing happens. */
const MAX_FREEZE_MS = 1000;
/** The limit of the edges in nodes.ts is 5 s; who has moved is not waited for. */
const DRAINS_WITHIN_MS = 4000;

let stage: Stage;
let origin: Node;

const on = (name: string, body: (t: TestContext) => Promise<void>): void => onStage(name, () => stage, body);

before(async () => {
  stage = await Stage.open();
  ({ origin } = await stage.tree());
  stage.encoder({ port: origin.port("srt"), name: "cam" });
  await origin.live("cam");
});

after(() => stage?.close());

/** Two edges with one certificate; the first sends its viewers to the second. */
async function pair(name: string): Promise<{ leaving: Node; staying: Node }> {
  const certificates = path.join(stage.workshop.folder, `certificates-${name}`);
  const staying = await stage.edge(origin, { name: `staying-${name}`, certificates });
  const drainTo = `https://${staying.addresses.relay}/live`;
  return { leaving: await stage.edge(origin, { name: `leaving-${name}`, certificates, drainTo }), staying };
}

/** A viewer who sees and hears. */
async function watching(url: string): Promise<Viewer> {
  const viewer = await stage.viewer();
  await viewer.watch(url);
  await viewer.hear();
  return viewer;
}

for (const { number, protocol } of DRAFTS) {
  on(`draft ${number}: the player moves to another edge when its own gets SIGTERM`, async (t) => {
    const { leaving, staying } = await pair(`draft-${number}`);
    const viewer = await watching(leaving.page(`/watch/cam?draft=${number}`));
    const before = (await viewer.view()).stats;
    const looking = viewer.look(encoderClock, 4000, 47);
    const told = performance.now();
    const exit = await leaving.process.stop("SIGTERM", 12_000);
    const took = performance.now() - told;
    const samples = await looking;
    const picture = describePicture(samples);
    const [spectra, now] = await Promise.all([
      viewer.listen(4, 300),
      until("the groups of the move to be judged", 20_000, async () => {
        const { stats } = await viewer.view();
        return (stats?.groupsReceived ?? 0) >= 12 ? stats : undefined; // six seconds of it
      }),
    ]);
    t.diagnostic(`the edge ended after ${Math.round(took)} ms; longest freeze ${Math.round(picture.longestFreeze)} ms, p95 of the latency ${Math.round(picture.p95)} ms`);
    t.diagnostic(`player: ${JSON.stringify(now)}`);
    assert.deepEqual(exit, { code: 0, signal: null });
    assert.ok(took < DRAINS_WITHIN_MS, `the edge waited ${Math.round(took)} ms although its viewer had moved`);
    assert.equal(now.transport, protocol);
    assert.equal(now.reconnects, (before?.reconnects ?? NaN) + 1, "it moved once");
    assert.equal(now.groupsLost, before?.groupsLost, "no group is lost");
    assert.equal(now.stalls, before?.stalls, "nothing stalls");
    assert.equal(notMoving(samples), "", "the picture moves");
    assert.ok(picture.longestFreeze < MAX_FREEZE_MS, `the picture stood still for ${picture.longestFreeze} ms`);
    assert.equal(noTone(spectra, TONE_HZ), "", "the tone is heard");
    assert.equal((await staying.stats()).perTrack["cam.2eloc--catalog"], 1, "it watches at the other edge");
    await viewer.close();
    await staying.process.stop("SIGINT");
  });
}

on("negative control: an edge that is killed is missed, and played from again when it is back", async (t) => {
  const { leaving, staying } = await pair("control");
  const viewer = await watching(leaving.page("/watch/cam"));
  const before = (await viewer.view()).stats;
  const looking = viewer.look(encoderClock, 7000, 47);
  await leaving.process.stop("SIGKILL");
  await leaving.start();
  const picture = describePicture(await looking);
  const now = await until("the groups of the loss to be judged", 20_000, async () => {
    const { stats } = await viewer.view();
    return stats !== undefined && stats.groupsLost > (before?.groupsLost ?? NaN) ? stats : undefined;
  });
  t.diagnostic(`longest freeze ${Math.round(picture.longestFreeze)} ms, ${now.groupsLost - (before?.groupsLost ?? 0)} groups lost`);
  assert.ok(picture.longestFreeze > MAX_FREEZE_MS, "the bound tells a loss from a move");
  assert.equal(now.reconnects, (before?.reconnects ?? NaN) + 1);
  assert.equal(notMoving(await viewer.look(encoderClock)), "", "the picture moves again");
  await viewer.close();
  await staying.process.stop("SIGINT");
});
