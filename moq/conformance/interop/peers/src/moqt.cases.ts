// @moqt/transport against our relay, in both directions.

import type { Page } from "playwright-core";
import type { Stage } from "./stage.ts";
import { Suite, whole, type Known, type Peer } from "./suite.ts";
import type { TrackName } from "./pattern.ts";
import type { Row } from "./report.ts";
import type {} from "./moqt.page.ts";

/** Drafts that both sides speak. */
const DRAFTS = [18, 16] as const;
type Draft = (typeof DRAFTS)[number];

/** What fails for a reason on their side, by draft. */
const endOfRange: Record<Draft, Known> = {
  18: { why: "reads a payload length behind an End of Range marker", error: /End-of-Range marker has a non-zero payload length/ },
  16: { why: "reads a payload length behind an End of Range marker", error: /Non-first fetch object requires prior-object context/ },
};
const zeroObjectID: Known = { why: "reads the Object ID of a datagram with ZERO_OBJECT_ID as 1", error: /datagrams \d+\/1: payload "datagrams\/\d+\/0\/0;/ };
const noDatagrams: Known = { why: "sends datagrams on draft 18 only", error: /sendDatagram is draft-18 only/ };

export async function moqtCases(stage: Stage, version: string, tell: (t: string) => void): Promise<Row[]> {
  const who: Peer = { peer: "@moqt/transport", version, transport: "WebTransport" };
  const suite = new Suite(who, tell);
  for (const draft of DRAFTS) await draftCases(stage, suite, draft);
  return suite.rows;
}

async function draftCases(stage: Stage, suite: Suite, draft: Draft): Promise<void> {
  const ours = `interop/moqt${draft}`;
  const publisher = await stage.publish(ours);
  // Its oldest groups are gone soon: nobody knows what was in them.
  const forgetful = await stage.publish(`${ours}/forgetful`, "-retain", "4", "-interval", "50ms");

  /** A case in a tab of its own, connected. */
  const run = async (name: string, body: (page: Page) => Promise<string>, known?: Known): Promise<void> => {
    const { page, log } = await stage.page("moqt");
    await suite.run(
      String(draft), name,
      async () => {
        const token = await page.evaluate((o) => window.moqt.connect(o), { url: stage.url, fingerprint: stage.fingerprint, draft });
        if (token !== `moqt-${draft}`) throw new Error(`WT-Protocol is ${JSON.stringify(token)}`);
        return body(page);
      },
      known,
      async () => JSON.stringify({ log: log.slice(-10), errors: await page.evaluate(() => window.moqt.errors()), heard: (await page.evaluate(() => window.moqt.heard())).slice(-12) }, undefined, 1),
    );
    await page.context().close();
  };
  const receive = (track: TrackName): ((page: Page) => Promise<string>) => async (page) =>
    whole(await page.evaluate((o) => window.moqt.subscribe(o), { namespace: ours, track, groups: 3 }), 3);

  await run("SETUP", async () => "");
  await run("list namespaces", async (page) => {
    const found = await page.evaluate((p) => window.moqt.namespaces(p), "interop");
    if (!found.includes(ours)) throw new Error(`got ${found.join(", ")}`);
    return "";
  });
  await run("subscribe", receive("plain"));
  await run("subscribe: subgroups, gaps, properties", receive("gaps"));
  await run("subscribe: datagrams", receive("datagrams"), draft === 16 ? zeroObjectID : undefined);
  await run("joining FETCH", async (page) => whole(await page.evaluate((o) => window.moqt.join(o), { namespace: ours, track: "gaps" as const, back: 2 }), 4));
  await run("FETCH", async (page) => whole(await page.evaluate((o) => window.moqt.fetch(o), { namespace: ours, track: "gaps" as const, first: 3, last: 5, want: 3 }), 3));
  await run("FETCH of a range that is unknown in part", async (page) => {
    const o = await page.evaluate((o) => window.moqt.fetch(o), { namespace: `${ours}/forgetful`, track: "plain" as const, first: 0, last: 1000, want: 3 });
    return whole(o, 3);
  }, endOfRange[draft]);

  for (const track of ["plain", "gaps", "datagrams"] as const) {
    await run(`publish: ${track}`, async (page) => {
      const theirs = `interop/theirs${draft}/${track}`;
      await page.evaluate((o) => window.moqt.publish(o), { namespace: theirs, track });
      return stage.receive(theirs, track, "-timeout", "5s").catch(async (e: unknown) => {
        throw new Error([String(e), ...(await page.evaluate(() => window.moqt.errors()))].join("; "));
      });
    }, draft === 16 && track === "datagrams" ? noDatagrams : undefined);
  }
  await run("publish by PUBLISH", async (page) => {
    const theirs = `interop/offered${draft}`;
    await page.evaluate((o) => window.moqt.offer(o), { namespace: theirs, track: "gaps" as const });
    return stage.receive(theirs, "gaps");
  });
  await Promise.all([publisher.stop(), forgetful.stop()]);
}
