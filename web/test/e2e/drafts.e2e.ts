// The player on each draft that it speaks, at a real relay: encoder -> bridge
// and origin -> edge -> browser.

import assert from "node:assert/strict";
import { after, before, type TestContext } from "node:test";
import { DRAFTS } from "../../src/moq/wire/draft.ts";
import { encoderClock } from "./clock.ts";
import { TONE_HZ } from "./encoder.ts";
import type { Node } from "./nodes.ts";
import { onStage, Stage } from "./stage.ts";
import { until } from "./until.ts";
import { describePicture, notMoving, noTone, tooLate } from "./verdict.ts";

/** Bound of the requirements, ms. */
const LATENCY_P95 = 1000;

let stage: Stage;
let edge: Node;

const on = (name: string, body: (t: TestContext) => Promise<void>): void => onStage(name, () => stage, body);

before(async () => {
  stage = await Stage.open();
  const tree = await stage.tree();
  edge = tree.edge;
  stage.encoder({ port: tree.origin.port("srt"), name: "cam" });
  await tree.origin.live("cam");
});

after(() => stage?.close());

for (const { number, protocol } of DRAFTS) {
  on(`draft ${number}: the picture moves and the tone is heard at the edge, under a second late`, async (t) => {
    const viewer = await stage.viewer();
    t.diagnostic(`picture after ${Math.round(await viewer.watch(edge.page(`/watch/cam?draft=${number}`)))} ms`);
    await viewer.hear();
    const [samples, spectra] = await Promise.all([viewer.look(encoderClock, 8000, 197), viewer.listen(16, 400)]);
    const picture = describePicture(samples);
    const { stats } = await viewer.view();
    t.diagnostic(`latency from pixels: median ${Math.round(picture.median)} ms, p95 ${Math.round(picture.p95)} ms; player: ${JSON.stringify(stats)}`);
    assert.equal(stats?.transport, protocol);
    assert.equal(stats?.reconnects, 0, "one session does it all");
    assert.equal(notMoving(samples), "", "the picture moves");
    assert.equal(noTone(spectra, TONE_HZ), "", "the tone is heard");
    assert.equal(tooLate(samples, LATENCY_P95), "", "the picture is live");
    await viewer.close();
  });
}

on("a draft that nobody speaks is told in words", async () => {
  const viewer = await stage.viewer();
  await viewer.page.goto(edge.page("/watch/cam?draft=14"));
  const words = await until("words about the draft", 8000, async () => {
    const { condition, words } = await viewer.view();
    return condition.kind === "unreachable" ? words : undefined;
  });
  assert.match(words, /moqt-14/);
  await viewer.close();
});
