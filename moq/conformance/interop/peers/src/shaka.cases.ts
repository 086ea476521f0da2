// Shaka Player plays what our bridge and our publisher make, from our relay.

import type { Page } from "playwright-core";
import { startEncoder } from "../../../../../web/test/e2e/encoder.ts";
import { pause, until } from "../../../../../web/test/e2e/until.ts";
import type { Row } from "./report.ts";
import type { Stage } from "./stage.ts";
import { Suite, type Known } from "./suite.ts";
import type {} from "./shaka.page.ts";

const monoAAC: Known = {
  why: "loses bytes of mono AAC in LOC",
  error: /error 301[56]: .*Failed to send audio packet for decoding/,
};

/** Looks at the picture, and how many of them must differ from the one before. */
const LOOKS = 25;
const MOVED = 15;

export async function shakaCases(stage: Stage, version: string, tell: (t: string) => void): Promise<Row[]> {
  const suite = new Suite({ peer: "shaka-player", version, transport: "WebTransport" }, tell);

  const plays = async (name: string, namespace: string, known?: Known): Promise<void> => {
    const { page, log } = await stage.page("shaka");
    await suite.run("16", name, () => watch(stage, page, namespace, version), known,
      async () => JSON.stringify({ view: await page.evaluate(() => window.shakaPeer.view()), log: log.slice(-10), heard: (await page.evaluate(() => window.shakaPeer.heard())).slice(0, 12) }, undefined, 1));
    await page.context().close();
  };

  const encoder = startEncoder({ port: stage.relay.port("srt"), name: "shaka" });
  stage.children.push(encoder);
  await stage.relay.live("shaka", 15_000);
  await plays("plays SRT through the bridge, CMAF", "shaka.msf");
  await plays("plays SRT through the bridge, LOC", "shaka.loc", monoAAC);
  await encoder.stop();

  const publisher = stage.run("moqedge pub", stage.workshop.moqedge, ["pub", stage.quic, "clip", "--fingerprint", stage.fingerprint]);
  await plays("plays moqedge pub, CMAF", "clip.msf");
  await plays("plays moqedge pub, LOC", "clip.loc");
  await publisher.stop();
  return suite.rows;
}

/** Rejects unless the picture moves while it plays, and stands while it is paused. */
async function watch(stage: Stage, page: Page, namespace: string, version: string): Promise<string> {
  const running = await page.evaluate((o) => window.shakaPeer.play(o), {
    url: stage.url, fingerprintUri: stage.relay.page("/certificate.sha256"), namespace,
  });
  if (!running.includes(version)) throw new Error(`the player calls itself ${running}`);
  const failed = async (): Promise<void> => {
    const { errors } = await page.evaluate(() => window.shakaPeer.view());
    if (errors.length > 0) throw new Error(errors.join("; "));
  };
  for (const end = Date.now() + 15_000; (await page.evaluate(() => window.shakaPeer.view())).frames <= 5; await pause(100)) {
    await failed();
    if (Date.now() > end) throw new Error("no picture within 15 s");
  }
  const look = (): Promise<number[]> => page.evaluate((o) => window.shakaPeer.look(o), { times: LOOKS, everyMs: 120 });
  const moving = changes(await look());
  const before = await page.locator("video").screenshot();
  await until("the screen to change", 3000, async () => !before.equals(await page.locator("video").screenshot()), 200);
  // The same looks find no motion where there is none.
  await page.evaluate(() => window.shakaPeer.pause());
  const standing = changes((await look()).slice(1));
  if (standing > 0) throw new Error(`the paused picture changed ${standing} times`);
  if (moving < MOVED) throw new Error(`the picture changed ${moving} times in ${LOOKS} looks`);
  await failed();
  const { frames } = await page.evaluate(() => window.shakaPeer.view());
  return `${frames} pictures`;
}

function changes(looks: readonly number[]): number {
  return looks.filter((v, i) => i > 0 && v !== looks[i - 1]).length;
}
