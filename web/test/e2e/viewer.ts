// A real browser, and the pages that people use in it: watching and publishing.

import { chromium, type Browser, type BrowserContext, type Page } from "playwright-core";
import type { Condition } from "../../src/media/messages.ts";
import type { PlayerStats } from "../../src/media/stats.ts";
import type { MoqedgePlayer } from "../../src/ui/player-element.ts";
import { readClock, type Clock } from "./clock.ts";
import { levelsOnScreen, listen, look, notePaint } from "./inpage.ts";
import { until } from "./until.ts";
import type { Sample, Spectrum } from "./verdict.ts";

/** What CI machines need; none of it changes what pages may do. */
const BROWSER_ARGS = [
  "--no-sandbox", "--headless", "--disable-background-networking", "--no-first-run", "--disable-component-update", "--disable-sync",
];
const VIEWPORT = { width: 900, height: 640 };

/** Starts the system's Chromium. The caller closes it. */
export function startBrowser(): Promise<Browser> {
  return chromium.launch({ executablePath: "/usr/bin/chromium", args: BROWSER_ARGS });
}

/** What a player says of itself. */
export interface PlayerView {
  readonly stats: PlayerStats | undefined;
  readonly state: number;
  readonly condition: Condition;
  /** All words on the player. */
  readonly words: string;
}

/** A tab with a profile of its own. Whoever opens it closes it. */
class Tab {
  readonly log: string[] = [];

  constructor(
    readonly context: BrowserContext,
    readonly page: Page,
  ) {
    page.on("console", (m) => this.log.push(`${m.type()}: ${m.text()}`));
    page.on("pageerror", (e) => this.log.push(`error: ${e.message}`));
  }

  close(): Promise<void> {
    return this.context.close();
  }
}

/** A tab with a watch page. */
export class Viewer extends Tab {
  static async open(browser: Browser): Promise<Viewer> {
    const context = await browser.newContext({ viewport: VIEWPORT });
    await context.addInitScript(notePaint);
    return new Viewer(context, await context.newPage());
  }

  /** Goes to a watch page and waits for its first picture. Returns ms from the navigation to the picture. */
  async watch(url: string, withinMs = 10_000): Promise<number> {
    await this.page.goto(url, { waitUntil: "commit" });
    return until(`a picture at ${url}`, withinMs, () => this.page.evaluate(() => window.firstPaint), 25);
  }

  /**
   * Waits until the player is to be heard; clicks what it offers to whom the
   * browser keeps in silence. Looking into a page with evaluate() counts as a
   * gesture, so that this is rarely needed here: see touch().
   */
  async hear(): Promise<void> {
    const offer = this.page.getByRole("button", { name: "Tap to unmute" });
    await until("sound, or the offer of it", 8000, async () => {
      if (await offer.isVisible()) await offer.click();
      return this.page.evaluate(() => document.querySelector<MoqedgePlayer>("moqedge-player")?.audioNode?.context.state === "running");
    });
  }

  /**
   * Goes to a watch page as somebody who does not touch it, waits for a moving
   * picture and the offer of sound, and clicks there. Returns whether the page
   * was silent until then.
   */
  async touch(url: string): Promise<boolean> {
    const devtools = await this.context.newCDPSession(this.page);
    const ask = async <T>(expression: string): Promise<T> => {
      const answer = await devtools.send("Runtime.evaluate", { expression, returnByValue: true, userGesture: false });
      if (answer.exceptionDetails !== undefined) throw new Error(answer.exceptionDetails.exception?.description ?? answer.exceptionDetails.text);
      return answer.result.value as T;
    };
    await this.page.goto(url, { waitUntil: "commit" });
    const place = await until("a picture and the offer of sound", 10_000, () =>
      ask<{ x: number; y: number } | undefined>(`(() => {
        const player = document.querySelector("moqedge-player");
        const button = player?.shadowRoot?.querySelector("[part=unmute]");
        if (player?.readyState !== 4 || !button || button.hidden) return undefined;
        const box = button.getBoundingClientRect();
        return { x: box.x + box.width / 2, y: box.y + box.height / 2 };
      })()`),
    );
    const silent = await ask<boolean>(`document.querySelector("moqedge-player").audioNode?.context.state === "suspended"`);
    await this.page.mouse.click(place.x, place.y);
    await devtools.detach();
    return silent;
  }

  /** Looks at the player's picture. Defaults: ten times a second for two. */
  async look(clock: Clock, duration = 2000, every = 97): Promise<Sample[]> {
    const looks = await this.page.evaluate(look, { row: clock.row, duration, every });
    return looks.map(({ levels, ...l }) => ({ ...l, clock: readClock(clock, levels, l.after) }));
  }

  listen(count = 8, every = 250): Promise<Spectrum[]> {
    return this.page.evaluate(listen, { count, every });
  }

  /** The clock as the browser's window shows it, with when that was asked for and answered. */
  async screen(clock: Clock): Promise<Sample> {
    const rect = await this.page.evaluate(() => {
      const canvas = document.querySelector("moqedge-player")?.shadowRoot?.querySelector("canvas");
      if (canvas === null || canvas === undefined) return undefined;
      // The picture keeps its shape within the box.
      const box = canvas.getBoundingClientRect();
      const scale = Math.min(box.width / canvas.width, box.height / canvas.height);
      const [width, height] = [canvas.width * scale, canvas.height * scale];
      return { x: box.x + (box.width - width) / 2, y: box.y + (box.height - height) / 2, width, height };
    });
    if (rect === undefined) throw new Error("the player has no canvas");
    const before = Date.now();
    const png = (await this.page.screenshot({ type: "png" })).toString("base64");
    const after = Date.now();
    const levels = await this.page.evaluate(levelsOnScreen, { png, row: clock.row, rect });
    return { before, after, clock: readClock(clock, levels, after), overlay: NaN, timestamp: NaN };
  }

  /** Stops watching, as a tab that is closed may not have the time to say. */
  leave(): Promise<void> {
    return this.page.evaluate(() => document.querySelector<MoqedgePlayer>("moqedge-player")?.remove());
  }

  /** What the player says of itself. */
  view(): Promise<PlayerView> {
    return this.page.evaluate(() => {
      const player = document.querySelector<MoqedgePlayer>("moqedge-player");
      if (player === null) throw new Error("the page has no player");
      const veil = player.shadowRoot?.querySelector<HTMLElement>("[part=status]");
      const words = veil === null || veil === undefined || veil.hidden ? "" : veil.innerText;
      return { stats: player.getStats(), state: player.readyState, condition: player.condition, words };
    });
  }

  /** Waits until new pictures are painted, whose capture is after `since` (ms since the Unix epoch). Returns how long that took, ms. */
  async plays(since: number, withinMs: number): Promise<number> {
    const began = performance.now();
    await until(`pictures of after ${new Date(since).toISOString()} at ${this.page.url()}`, withinMs, async () => {
      const { stats } = await this.view();
      return stats !== undefined && stats.lastPaintedTimestamp / 1000 > since;
    });
    return performance.now() - began;
  }

  /** Marks the page; same() tells later whether it is still the same one. */
  async mark(): Promise<() => Promise<boolean>> {
    const mark = crypto.randomUUID();
    await this.page.evaluate((m) => void (window.testMark = m), mark);
    return () => this.page.evaluate((m) => window.testMark === m, mark);
  }
}

/** A tab with the first page. */
export class Visitor extends Tab {
  static async open(browser: Browser): Promise<Visitor> {
    const context = await browser.newContext({ viewport: VIEWPORT });
    return new Visitor(context, await context.newPage());
  }

  /** The addresses of the broadcasts that the page lists as live. */
  live(): Promise<string[]> {
    return this.page.locator("#live a").evaluateAll((links) => links.map((a) => (a as HTMLAnchorElement).href));
  }
}

/** A tab with a publish page. */
export class Publisher extends Tab {
  static async open(browser: Browser): Promise<Publisher> {
    const context = await browser.newContext({ viewport: VIEWPORT });
    return new Publisher(context, await context.newPage());
  }

  /** Publishes the test pattern, and waits until the page says that it is live. */
  async publish(url: string): Promise<void> {
    await this.page.goto(url);
    await this.page.getByLabel("Test pattern and tone").check();
    await this.page.getByRole("button", { name: "Record" }).click();
    await until("the publish page to be live", 15_000, async () => {
      const status = await this.page.locator("#status").innerText();
      if (await this.page.locator("#status.bad").count()) throw new Error(status);
      return status === "You are live.";
    });
  }

  /** The numbers that the page shows, by their names. */
  async numbers(): Promise<Record<string, string>> {
    const texts = await this.page.locator("[data-stat]").evaluateAll((slots) =>
      slots.map((s) => [(s as HTMLElement).dataset["stat"] ?? "", s.textContent ?? ""] as const),
    );
    return Object.fromEntries(texts);
  }

  async end(): Promise<void> {
    await this.page.getByRole("button", { name: "Stop" }).click();
  }
}
