// What the tests of one file share: nodes, encoders, tabs. Everything that is
// opened here ends with the stage, and its logs are shown when a test fails.

import test, { type TestContext } from "node:test";
import type { Browser } from "playwright-core";
import { Child, outputs } from "./child.ts";
import { startEncoder, type EncoderOptions } from "./encoder.ts";
import { edgeNode, type EdgeOptions, Node, originNode, Workshop } from "./nodes.ts";
import { Publisher, startBrowser, Viewer } from "./viewer.ts";

/** A test that takes longer (ms) hangs. */
const TEST_TIMEOUT_MS = 90_000;

export class Stage {
  readonly children: Child[] = [];
  readonly nodes: Node[] = [];
  private readonly tabs: (Viewer | Publisher)[] = [];

  private constructor(
    readonly workshop: Workshop,
    readonly browser: Browser,
  ) {}

  static async open(): Promise<Stage> {
    const workshop = await Workshop.open();
    return new Stage(workshop, await startBrowser());
  }

  /** An origin with the bridge, and an edge below it. */
  async tree(): Promise<{ origin: Node; edge: Node }> {
    const origin = await this.origin();
    return { origin, edge: await this.edge(origin, {}) };
  }

  async origin(): Promise<Node> {
    const origin = originNode(this.workshop);
    this.nodes.push(origin);
    await origin.start();
    return origin;
  }

  /** One more edge below an origin. */
  async edge(origin: Node, o: EdgeOptions): Promise<Node> {
    const edge = edgeNode(this.workshop, origin, o);
    this.nodes.push(edge);
    await edge.start();
    return edge;
  }

  /** Starts a process that ends with the stage. */
  run(name: string, command: string, args: readonly string[], env: Readonly<Record<string, string>> = {}): Child {
    const child = new Child(name, command, args, env);
    this.children.push(child);
    return child;
  }

  encoder(o: EncoderOptions): Child {
    const child = startEncoder(o);
    this.children.push(child);
    return child;
  }

  async viewer(): Promise<Viewer> {
    const viewer = await Viewer.open(this.browser);
    this.tabs.push(viewer);
    return viewer;
  }

  async publisher(): Promise<Publisher> {
    const publisher = await Publisher.open(this.browser);
    this.tabs.push(publisher);
    return publisher;
  }

  async close(): Promise<void> {
    await this.browser.close();
    await Promise.all(this.children.map((c) => c.stop()));
    await Promise.all(this.nodes.flatMap((n) => n.lives).map((c) => c.stop()));
  }

  /** What all processes and pages said lately, without those that ended well. */
  async report(): Promise<string> {
    const processes = outputs([...this.nodes.flatMap((n) => n.lives), ...this.children.filter((c) => c.exit?.code !== 0)]);
    const pages = this.tabs
      .filter((t) => !t.page.isClosed())
      .map(async (t) => {
        const view = t instanceof Viewer ? await t.view().catch((e: unknown) => String(e)) : "";
        return [t.page.url(), JSON.stringify(view), ...t.log.slice(-20)].join("\n");
      });
    return `${processes}\n--- pages\n${(await Promise.all(pages)).join("\n")}`;
  }
}

/** A test on a stage; when it fails, the stage's logs are shown. */
export function onStage(name: string, stage: () => Stage, body: (t: TestContext) => Promise<void>): void {
  void test(name, { timeout: TEST_TIMEOUT_MS }, async (t) => {
    try {
      await body(t);
    } catch (e) {
      console.log(`${name} failed. What was going on:\n${await stage().report()}`);
      throw e;
    }
  });
}
