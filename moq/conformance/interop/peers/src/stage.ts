// What all cases share: our relay, our reference publisher and subscriber, a
// browser, and the pages with the peers' packages in it. Everything ends with
// the stage.

import { execFile } from "node:child_process";
import { readFile } from "node:fs/promises";
import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import path from "node:path";
import { promisify } from "node:util";
import type { Browser, Page } from "playwright-core";
import { Child } from "../../../../../web/test/e2e/child.ts";
import { MODULE, Node, originNode, Workshop } from "../../../../../web/test/e2e/nodes.ts";
import { until } from "../../../../../web/test/e2e/until.ts";
import { startBrowser } from "../../../../../web/test/e2e/viewer.ts";

/** How long our subscriber may take for its groups, ms. */
const OURS_MS = 25_000;

export class Stage {
  readonly children: Child[] = [];

  private constructor(
    readonly workshop: Workshop,
    readonly reference: string,
    readonly relay: Node,
    readonly fingerprint: string,
    private readonly pages: Server,
  ) {}

  private browser: Promise<Browser> | undefined;

  /** bundles: the folder with the pages' scripts and what else is served. */
  static async open(bundles: string): Promise<Stage> {
    const workshop = await Workshop.open();
    const reference = path.join(workshop.folder, "reference");
    await promisify(execFile)("go", ["build", "-o", reference, "./moq/conformance/interop/reference"], { cwd: MODULE });
    const relay = originNode(workshop);
    await relay.start();
    const fingerprint = (await (await fetch(relay.page("/certificate.sha256"))).text()).trim();
    return new Stage(workshop, reference, relay, fingerprint, await servePages(bundles));
  }

  /** Our relay over WebTransport. */
  get url(): string {
    return `https://${this.relay.addresses.relay}/interop`;
  }

  /** Our relay over raw QUIC. */
  get quic(): string {
    return `moqt://${this.relay.addresses.relay}/interop`;
  }

  run(name: string, command: string, args: readonly string[]): Child {
    const child = new Child(name, command, args);
    this.children.push(child);
    return child;
  }

  /** Publishes the pattern below `namespace` until it is stopped. */
  async publish(namespace: string, ...more: string[]): Promise<Child> {
    const child = this.run(`our publisher of ${namespace}`, this.reference, ["publish", ...this.ours(namespace), ...more]);
    await until(`${namespace} to be announced`, 10_000, () => {
      if (child.exit !== undefined) throw new Error(child.output);
      return child.output.includes('"announced"');
    });
    return child;
  }

  /**
   * Subscribes with our implementation and checks whole groups. Rejects with
   * what was wrong. Flags given later go before earlier ones.
   */
  async receive(namespace: string, track: string, ...more: string[]): Promise<string> {
    const child = this.run(`our subscriber of ${namespace}`, this.reference, ["subscribe", ...this.ours(namespace), "-track", track, ...more]);
    const exit = await until("our subscriber", OURS_MS, () => child.exit);
    if (exit.code !== 0) throw new Error(child.output.trim().split("\n").at(-1));
    return "";
  }

  private ours(namespace: string): string[] {
    return ["-url", this.quic, "-fingerprint", this.fingerprint, "-namespace", namespace];
  }

  /** A tab with one of the pages. */
  async page(name: string): Promise<{ page: Page; log: string[] }> {
    this.browser ??= startBrowser();
    const context = await (await this.browser).newContext();
    const page = await context.newPage();
    const log: string[] = [];
    page.on("console", (m) => log.push(`${m.type()}: ${m.text()}`));
    page.on("pageerror", (e) => log.push(`error: ${e.message}`));
    const { port } = this.pages.address() as AddressInfo;
    await page.goto(`http://127.0.0.1:${port}/${name}.html`);
    return { page, log };
  }

  async close(): Promise<void> {
    await (await this.browser)?.close();
    this.pages.close();
    await Promise.all(this.children.map((c) => c.stop()));
    await Promise.all(this.relay.lives.map((c) => c.stop()));
  }
}

/** Serves NAME.html, which runs NAME.js, and the files of the folder. */
async function servePages(folder: string): Promise<Server> {
  const server = createServer((request, response) => {
    const name = path.basename(new URL(request.url ?? "/", "http://localhost").pathname);
    const page = /^(\w+)\.html$/.exec(name)?.[1];
    if (page !== undefined) {
      response.setHeader("content-type", "text/html");
      response.end(`<!doctype html><meta charset=utf-8><title>${page}</title><body><script type=module src=${page}.js></script>`);
      return;
    }
    readFile(path.join(folder, name)).then(
      (b) => {
        response.setHeader("content-type", "text/javascript");
        response.end(b);
      },
      () => {
        response.statusCode = 404;
        response.end();
      },
    );
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  return server;
}
