// @moq/net against our relay, in both directions, on each draft that both speak.

import type { Page } from "playwright-core";
import type { Stage } from "./stage.ts";
import { Suite, whole, type Known, type Peer } from "./suite.ts";
import type { Row } from "./report.ts";
import type {} from "./moqnet.page.ts";

/** Drafts that both sides speak. */
const DRAFTS = [20, 19, 18, 16] as const;

const largest: Known = {
  why: "reads LARGEST_OBJECT of SUBSCRIBE_OK with a length",
  error: /unexpected end of stream/,
};

const largestSent: Known = {
  why: "writes LARGEST_OBJECT of SUBSCRIBE_OK with a length",
  error: /KEY_VALUE_FORMATTING_ERROR: SUBSCRIBE_OK/,
};

const noFetch: Known = {
  why: "has no FETCH",
  error: /fetch group is not supported for moq-transport/,
};

export async function moqNetCases(stage: Stage, version: string, tell: (t: string) => void): Promise<Row[]> {
  const who: Peer = { peer: "@moq/net", version, transport: "WebTransport" };
  const suite = new Suite(who, tell);
  for (const draft of DRAFTS) await draftCases(stage, suite, draft);
  return suite.rows;
}

async function draftCases(stage: Stage, suite: Suite, draft: number): Promise<void> {
  const ours = `interop/net${draft}`;
  const publisher = await stage.publish(ours);

  /** A case in a tab of its own, connected. */
  const run = async (name: string, body: (page: Page) => Promise<string>, known?: Known): Promise<void> => {
    const { page, log } = await stage.page("moqnet");
    await suite.run(
      String(draft), name,
      async () => {
        const o = { url: stage.url, fingerprint: stage.fingerprint, draft, protocols: [`moqt-${draft}`] };
        const got = await page.evaluate((o) => window.moqnet.connect(o), o);
        if (!got.includes(String(draft))) throw new Error(`the version is ${got}`);
        return body(page);
      },
      known,
      async () => JSON.stringify({ log: log.slice(-10), heard: (await page.evaluate(() => window.moqnet.heard())).slice(-12) }, undefined, 1),
    );
    await page.context().close();
  };

  await run("SETUP", async () => "");
  await run("list namespaces", async (page) => {
    const found = await page.evaluate((p) => window.moqnet.announced(p), "interop");
    if (!found.startsWith("interop/")) throw new Error(`got ${found}`);
    return found;
  });
  await run("subscribe", async (page) => whole(await page.evaluate((o) => window.moqnet.subscribe(o), { namespace: ours, track: "plain" as const, groups: 3 }), 3), draft >= 17 ? largest : undefined);
  await run("subscribe to a track without objects yet", async (page) => {
    const late = `interop/netlate${draft}`;
    const publisher = await stage.publish(late, "-delay", "2s");
    const o = await page.evaluate((o) => window.moqnet.subscribe(o), { namespace: late, track: "plain" as const, groups: 3 });
    await publisher.stop();
    return whole(o, 3);
  });
  await run("FETCH", async (page) => whole(await page.evaluate((o) => window.moqnet.fetch(o), { namespace: ours, track: "plain" as const, group: 2 }), 1), noFetch);
  await run("publish", async (page) => {
    const theirs = `interop/nettheirs${draft}`;
    await page.evaluate((n) => window.moqnet.publish(n), theirs);
    return stage.receive(theirs, "plain", "-any-properties", "-any-priority");
  }, draft === 20 ? largestSent : undefined);
  await publisher.stop();
}
