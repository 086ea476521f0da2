// The client and the player on each draft that they speak, at a real relay:
// encoder -> bridge and origin -> edge -> browser.

import assert from "node:assert/strict";
import { build } from "esbuild";
import { after, before, type TestContext } from "node:test";
import type { MoqSession } from "../../src/moq/index.ts";
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

/** The client as a script for pages, which finds it as window.MoqSession. */
async function clientScript(): Promise<string> {
  const contents = `import { MoqSession } from "./src/moq/index.ts"; window.MoqSession = MoqSession;`;
  const built = await build({ stdin: { contents, resolveDir: process.cwd() }, bundle: true, write: false, format: "iife", target: "es2022" });
  return built.outputFiles[0]?.text ?? "";
}

/** Runs in the page: uses what the player does not, and tells what came of it. */
async function converse(o: { relay: string; fingerprint: string; protocol: string }) {
  const { MoqSession: Session } = window as unknown as { MoqSession: typeof MoqSession };
  const fingerprint = Uint8Array.from(o.fingerprint.match(/../g) ?? [], (hex) => parseInt(hex, 16));
  const session = await Session.connect({ url: o.relay, fingerprints: [fingerprint], versions: [o.protocol], onClosed() {} });
  const names = await new Promise<string[]>((resolve, reject) => {
    session.subscribeNamespace([], { add: (n) => n[0] === "cam.loc" && resolve(n), remove() {}, error: reject });
  });
  const track = { namespace: ["cam.loc"], name: "catalog" };
  const catalog = await new Promise<{ group: number }>((resolve, reject) => {
    const handler = { onObject: resolve, onDone: (_: number, reason: string) => reject(new Error(reason)) };
    session.subscribe(track, { joinGroups: 0 }, handler).catch(reject);
  });
  const fetched: string[] = [];
  const collect = { onObject: (m: { group: number; object: number; payload: Uint8Array }) => fetched.push(`${m.group}/${m.object} ${m.payload.length > 0}`), onDone() {} };
  await session.fetch(track, { group: catalog.group, object: 0 }, { group: catalog.group, object: 0 }, collect);
  await session.fetch(track, { group: catalog.group, object: 0 }, { group: catalog.group }, collect);
  const ignore = { onObject() {}, onDone() {} };
  const refused = await session.subscribe({ namespace: ["nobody.loc"], name: "catalog" }, {}, ignore).then(() => "", (e: { kind: string }) => e.kind);
  const other = { namespace: ["cam.msf"], name: "catalog" };
  const subscription = await session.subscribe(other, { filter: "nextGroup" }, ignore);
  await subscription.update({ priority: 7 });
  await subscription.update({ forward: false });
  subscription.close();
  // A second one right behind the first, which the relay may not know to be closed yet.
  await (await session.subscribe(other, {}, ignore)).update({ forward: true });
  const { protocol, peerImplementation } = session;
  session.close();
  return { names, group: catalog.group, fetched, refused, protocol, peerImplementation };
}

for (const { number, protocol } of DRAFTS) {
  on(`draft ${number}: namespaces, fetches, refusals and updates`, async () => {
    const context = await stage.browser.newContext({ bypassCSP: true });
    try {
      const page = await context.newPage();
      await page.goto(edge.page("/"));
      await page.addScriptTag({ content: await clientScript() });
      const fingerprint = (await (await fetch(edge.page("/certificate.sha256"))).text()).trim();
      const told = await page.evaluate(converse, { relay: `https://${edge.addresses.relay}`, fingerprint, protocol });
      assert.deepEqual(told.names, ["cam.loc"]);
      assert.deepEqual(told.fetched, [`${told.group}/0 true`, `${told.group}/0 true`]);
      assert.equal(told.refused, "request");
      assert.equal(told.protocol, protocol);
    } finally {
      await context.close();
    }
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
