// The status page of a node, as operators meet it: wide and narrow, light and
// dark, by keyboard, without its script, and when the node is gone.

import assert from "node:assert/strict";
import { after, before, type TestContext } from "node:test";
import type { Browser, Page } from "playwright-core";
import type { Node } from "./nodes.ts";
import { onStage, Stage } from "./stage.ts";
import { until } from "./until.ts";

/** WCAG 2.2, 1.4.3, for text of this size. */
const CONTRAST = 4.5;
const TABLES = ["Links to other relays", "All tracks", "All sessions", "What was moved", "What the bridge takes"];

let stage: Stage;
let node: Node;

const on = (name: string, body: (t: TestContext) => Promise<void>): void => onStage(name, () => stage, body);

before(async () => {
  stage = await Stage.open();
  node = (await stage.tree()).edge;
});

after(() => stage?.close());

const open = async (o: Parameters<Browser["newContext"]>[0]): Promise<Page> => {
  const page = await (await stage.browser.newContext(o)).newPage();
  await page.goto(`http://${node.addresses.admin}/`);
  return page;
};

/** Texts that are hard to read before what is behind them, and the least contrast of all. */
function contrasts(least: number): { least: number; hard: string[] } {
  type Colour = readonly [number, number, number, number];
  const parse = (text: string): Colour => {
    const [r = 0, g = 0, b = 0, a = 1] = (text.match(/[\d.]+/g) ?? []).map(Number);
    return [r, g, b, a];
  };
  const luminance = ([r, g, b]: Colour): number => {
    const linear = (c: number): number => (c / 255 <= 0.04045 ? c / 255 / 12.92 : ((c / 255 + 0.055) / 1.055) ** 2.4);
    return 0.2126 * linear(r) + 0.7152 * linear(g) + 0.0722 * linear(b);
  };
  const behind = (e: Element | null): Colour => {
    for (; e !== null; e = e.parentElement) {
      const colour = parse(getComputedStyle(e).backgroundColor);
      if (colour[3] > 0) return colour;
    }
    return [255, 255, 255, 1];
  };
  const found = { least: Infinity, hard: [] as string[] };
  const texts = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
  for (let text = texts.nextNode(); text !== null; text = texts.nextNode()) {
    const e = text.parentElement;
    if (e === null || text.textContent?.trim() === "" || !e.checkVisibility()) continue;
    const [a, b] = [luminance(parse(getComputedStyle(e).color)), luminance(behind(e))];
    const ratio = (Math.max(a, b) + 0.05) / (Math.min(a, b) + 0.05);
    found.least = Math.min(found.least, ratio);
    if (ratio < least) found.hard.push(`${ratio.toFixed(2)}: ${text.textContent?.trim()}`);
  }
  return found;
}

on("the status page can be read at any width, light and dark", async (t) => {
  for (const width of [1280, 390]) {
    for (const colorScheme of ["light", "dark"] as const) {
      const page = await open({ viewport: { width, height: 844 }, colorScheme });
      assert.ok((await page.evaluate(() => document.documentElement.scrollWidth)) <= width, `the page is wider than ${width} px`);
      const { least, hard } = await page.evaluate(contrasts, CONTRAST);
      t.diagnostic(`${width} px, ${colorScheme}: least contrast ${least.toFixed(2)}`);
      assert.deepEqual(hard, []);
      await page.context().close();
    }
  }
});

on("the status page has landmarks and headers, and works by keyboard", async () => {
  const page = await open({});
  for (const role of ["banner", "main", "contentinfo"] as const) assert.equal(await page.getByRole(role).count(), 1, role);
  for (const caption of TABLES) assert.equal(await page.getByRole("table", { name: caption }).count(), 1, caption);
  const headers = await page.locator("th").evaluateAll((all) => all.map((h) => h.getAttribute("scope")));
  assert.ok(headers.length > 30 && headers.every((scope) => scope === "col" || scope === "row"), `scopes ${headers.join(" ")}`);
  assert.deepEqual(await page.locator("h1, h2").evaluateAll((all) => all.map((h) => h.tagName)), ["H1", "H2", "H2", "H2", "H2", "H2", "H2", "H2"]);

  const focused = (): Promise<string> => page.evaluate(() => document.activeElement?.textContent?.trim() ?? "");
  await page.keyboard.press("Tab");
  assert.equal(await focused(), "Skip to content");
  assert.ok(await page.getByText("Skip to content").evaluate((e) => e.getBoundingClientRect().left >= 0), "the skip link is not seen when it has the focus");
  await page.keyboard.press("Tab");
  assert.equal(await focused(), "Pause updates");
  await page.keyboard.press("Space");
  assert.equal(await page.locator("#freshness").innerText(), "Paused.");
  assert.equal(await page.getByRole("button", { pressed: true }).count(), 1);
  await page.keyboard.press("Tab"); // to a part that scrolls
  assert.equal(await page.evaluate(() => document.activeElement?.getAttribute("role")), "region");
  await page.context().close();
});

on("the status page without its script has all tables and can be loaded again", async () => {
  const page = await open({ javaScriptEnabled: false });
  for (const caption of TABLES) assert.equal(await page.getByRole("table", { name: caption }).count(), 1, caption);
  assert.equal(await page.getByRole("button").count(), 0, "a button that does nothing");
  await page.getByRole("link", { name: "Load again every 5 s" }).click();
  assert.match(page.url(), /refresh=5$/);
  assert.ok(await page.getByText("connected").first().isVisible());
  await page.context().close();
});

on("the status page says when the node is gone, and goes on when it is back", async () => {
  const page = await open({});
  const says = (words: string): Promise<unknown> => until(words, 20_000, async () => (await page.locator("#freshness").innerText()).includes(words));
  await says("Updated every 2 s.");
  await node.process.stop("SIGKILL");
  await says("The node does not answer.");
  assert.equal(await page.locator("body.stale").count(), 1, "it looks as if all were well");
  const { hard } = await page.evaluate(contrasts, CONTRAST);
  assert.deepEqual(hard, []);
  await node.start();
  await says("Updated every 2 s.");
  assert.equal(await page.locator("body.stale").count(), 0);
  await page.context().close();
});
