// An edge that is told to end while somebody watches: the player goes on at
// another one, without a lost group and without a freeze that can be seen.

import assert from "node:assert/strict";
import path from "node:path";
import { after, before, type TestContext } from "node:test";
import type { PlayerStats } from "../../src/media/stats.ts";
import { DRAFTS } from "../../src/moq/wire/draft.ts";
import { encoderClock } from "./clock.ts";
import { TONE_HZ } from "./encoder.ts";
import type { Node } from "./nodes.ts";
import { onStage, Stage } from "./stage.ts";
import { pause, until } from "./until.ts";
import { describePicture, noTone } from "./verdict.ts";
import type { Viewer } from "./viewer.ts";

/** A picture may stand still this long (ms), which it also may on a busy machine while nothing happens. */
const MAX_FREEZE_MS = 1000;
/** The limit of the edges in nodes.ts is 5 s; who has moved is not waited for. */
const DRAINS_WITHIN_MS = 4000;
/** Groups of picture and sound that come after a move before it is judged: of one of the two alone, a loss would be counted first. */
const GROUPS_AFTER = 10;

/** An edge that was killed is started again after this (ms): more than a player has in store. */
const DEAD_MS = 2500;

let stage: Stage;
/** Where the others send their viewers, which have the same certificate. */
let staying: Node;
const leaving: Node[] = [];

const on = (name: string, body: (t: TestContext) => Promise<void>): void => onStage(name, () => stage, body);

before(async () => {
  stage = await Stage.open();
  const origin = await stage.origin();
  stage.encoder({ port: origin.port("srt"), name: "cam" });
  const certificates = path.join(stage.workshop.folder, "certificates");
  staying = await stage.edge(origin, { name: "staying", certificates });
  const drainTo = `https://${staying.addresses.relay}/live`;
  leaving.push(...(await Promise.all(DRAFTS.map((_, i) => stage.edge(origin, { name: `leaving-${i}`, certificates, drainTo })))));
  await origin.live("cam");
});

after(() => stage?.close());

/** A viewer who sees and hears, and the player's figures. */
async function watching(url: string): Promise<{ viewer: Viewer; before: PlayerStats }> {
  const viewer = await stage.viewer();
  await viewer.watch(url);
  await viewer.hear();
  const before = (await viewer.view()).stats;
  assert.ok(before !== undefined);
  return { viewer, before };
}

/** How many watch at the edge that stays. */
async function watchers(): Promise<number> {
  return (await staying.stats()).perTrack["cam.2eloc--catalog"] ?? 0;
}

for (const [i, { number, protocol }] of DRAFTS.entries()) {
  on(`draft ${number}: the player moves to another edge when its own gets SIGTERM`, async (t) => {
    const edge = leaving[i];
    assert.ok(edge !== undefined);
    const others = await watchers();
    const { viewer, before } = await watching(edge.page(`/watch/cam?draft=${number}`));
    const looking = viewer.look(encoderClock, 4000);
    const told = performance.now();
    const exit = await edge.process.stop("SIGTERM", 12_000);
    const took = performance.now() - told;
    const { groupsReceived } = (await viewer.view()).stats ?? before;
    const samples = await looking;
    const picture = describePicture(samples);
    const [spectra, now] = await Promise.all([
      viewer.listen(4, 300),
      until("the groups of the move to be judged", 20_000, async () => {
        const { stats } = await viewer.view();
        return (stats?.groupsReceived ?? 0) >= groupsReceived + GROUPS_AFTER ? stats : undefined;
      }),
    ]);
    t.diagnostic(`the edge ended after ${Math.round(took)} ms; longest freeze ${Math.round(picture.longestFreeze)} ms, p95 of the latency ${Math.round(picture.p95)} ms`);
    t.diagnostic(`player: ${JSON.stringify(now)}`);
    assert.deepEqual(exit, { code: 0, signal: null });
    assert.ok(took < DRAINS_WITHIN_MS, `the edge waited ${Math.round(took)} ms although its viewer had moved`);
    assert.equal(now.transport, protocol);
    assert.equal(now.reconnects, before.reconnects + 1, "it moved once");
    assert.equal(now.groupsLost, before.groupsLost, "no group is lost");
    assert.equal(now.stalls, before.stalls, "nothing stalls");
    // How many pictures per second there are is the machine's affair, and that of other tests.
    assert.ok(picture.readable > picture.samples / 2, `the clock was readable in ${picture.readable} of ${picture.samples} samples`);
    assert.ok(picture.longestFreeze < MAX_FREEZE_MS, `the picture stood still for ${picture.longestFreeze} ms`);
    assert.equal(picture.backwards, 0, "time in the picture goes on");
    assert.equal(noTone(spectra, TONE_HZ), "", "the tone is heard");
    assert.equal(await watchers(), others + 1, "it watches at the other edge");
    await viewer.leave();
    await until("the viewer to be gone", 5000, async () => (await watchers()) <= others);
    await viewer.close();
  });
}

on("negative control: an edge that is killed is missed, and played from again when it is back", async (t) => {
  const { viewer, before } = await watching(staying.page("/watch/cam"));
  const looking = viewer.look(encoderClock, 6500);
  await staying.process.stop("SIGKILL");
  await pause(DEAD_MS);
  await staying.start();
  const picture = describePicture(await looking);
  const now = await until("the groups of the loss to be judged", 20_000, async () => {
    const { stats } = await viewer.view();
    return stats !== undefined && stats.groupsLost > before.groupsLost ? stats : undefined;
  });
  t.diagnostic(`longest freeze ${Math.round(picture.longestFreeze)} ms, ${now.groupsLost - before.groupsLost} groups lost`);
  assert.ok(picture.longestFreeze > 2 * MAX_FREEZE_MS, "the bound tells a loss from a move");
  assert.equal(now.reconnects, before.reconnects + 1);
  await viewer.plays(Date.now(), 5000);
  await viewer.close();
});
