// moqedge as real processes: an origin with the bridge, an edge below it, each
// with its pages and statistics, all on loopback.

import { rmSync } from "node:fs";
import { mkdtemp, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import { Child } from "./child.ts";
import { until } from "./until.ts";

/** Tests run in web/, the Go module is the folder above. */
export const MODULE = path.resolve("..");
/** For a node to open its ports, ms. */
const START_MS = 15_000;

/** The program under test, and a folder for files that goes when the test process does. */
export class Workshop {
  private constructor(
    readonly moqedge: string,
    readonly folder: string,
  ) {}

  /** MOQEDGE in the environment names the program: see ../run.mjs. */
  static async open(): Promise<Workshop> {
    const moqedge = process.env["MOQEDGE"];
    if (moqedge === undefined) throw new Error("MOQEDGE does not name the program");
    const folder = await mkdtemp(path.join(tmpdir(), "moqedge-e2e-"));
    process.once("exit", () => rmSync(folder, { recursive: true, force: true }));
    return new Workshop(moqedge, folder);
  }
}

/** Where a node listens: host:port each. */
interface Addresses {
  readonly relay: string;
  readonly http: string;
  readonly admin: string;
  readonly srt?: string;
}

/** What /stats tells, as far as tests need it. */
export interface NodeStats {
  readonly sessions: number;
  readonly tracks: number;
  readonly upstreamConnected: boolean;
  /** Subscriptions served now, by track. */
  readonly perTrack: Readonly<Record<string, number>>;
  readonly ingests: readonly { readonly name: string; readonly protocol: string; readonly live: boolean }[];
}

/** A running `moqedge serve`. */
export class Node {
  /** All processes that this node has been, the newest last. */
  readonly lives: Child[] = [];
  private where: Addresses | undefined;

  /** config: YAML for an address each; "127.0.0.1:0" lets the system choose at the first start. */
  constructor(
    private readonly workshop: Workshop,
    readonly name: string,
    private readonly config: (a: Required<Addresses>) => string,
  ) {}

  private get file(): string {
    return path.join(this.workshop.folder, `${this.name}.yaml`);
  }

  private write(): Promise<void> {
    const any = "127.0.0.1:0";
    return writeFile(this.file, this.config({ relay: any, http: any, admin: any, srt: any, ...this.where }));
  }

  /** Has the running node go by what its configuration says now. */
  async reload(): Promise<void> {
    await this.write();
    const { reloaded } = await this.settings();
    this.process.signal("SIGHUP");
    await until(`${this.name} to have read its configuration`, START_MS, async () => {
      const now = await this.settings();
      if (now.refused !== undefined) throw new Error(now.refused);
      return now.reloaded !== reloaded;
    });
  }

  /** What /config tells of the last change. */
  private async settings(): Promise<{ readonly reloaded?: string; readonly refused?: string }> {
    const response = await fetch(`http://${this.addresses.admin}/config`);
    return (await response.json()) as { reloaded?: string; refused?: string };
  }

  /** Starts it, again on the ports it had before, and waits until it serves. */
  async start(): Promise<void> {
    await this.write();
    const child = new Child(this.name, this.workshop.moqedge, ["serve", "-c", this.file, "--json"]);
    this.lives.push(child);
    this.where = await until(`${this.name} to serve`, START_MS, () => {
      if (child.exit !== undefined) throw new Error(child.output);
      const line = child.output.split("\n").find((l) => l.startsWith('{"type":"addresses"'));
      return line === undefined ? undefined : (JSON.parse(line) as Addresses);
    }, 10);
    await until(`${this.name} to be healthy`, START_MS, async () => (await fetch(`http://${this.addresses.admin}/healthz`)).ok, 10);
  }

  get addresses(): Addresses {
    if (this.where === undefined) throw new Error(`${this.name} was not started`);
    return this.where;
  }

  get process(): Child {
    const child = this.lives.at(-1);
    if (child === undefined) throw new Error(`${this.name} was not started`);
    return child;
  }

  /** Port of one of its addresses. */
  port(of: keyof Addresses): number {
    const address = this.addresses[of];
    if (address === undefined) throw new Error(`${this.name} has no ${of} address`);
    return Number(address.slice(address.lastIndexOf(":") + 1));
  }

  /** Address of one of its pages. */
  page(pathname: string): string {
    return `http://${this.addresses.http}${pathname}`;
  }

  async stats(): Promise<NodeStats> {
    const response = await fetch(`http://${this.addresses.admin}/stats`);
    if (!response.ok) throw new Error(`/stats of ${this.name}: status ${response.status}`);
    return (await response.json()) as NodeStats;
  }

  /** Waits until a publication is live here (origins only). */
  live(name: string, withinMs = 10_000): Promise<unknown> {
    return until(`${name} to be live at ${this.name}`, withinMs, async () => (await this.stats()).ingests.some((i) => i.name === name && i.live));
  }
}

/** A node that takes publications. */
export function originNode(workshop: Workshop): Node {
  return new Node(workshop, "origin", (a) => `
name: origin
listen: ${a.relay}
certificate:
  development: true
http:
  listen: ${a.http}
bridge:
  srt:
    listen: ${a.srt}
  whip: true
admin:
  listen: ${a.admin}
`);
}

export interface EdgeOptions {
  /** Default: edge. */
  readonly name?: string;
  /** Folder that keeps the certificate, which nodes may share; default: a certificate of its own. */
  readonly certificates?: string;
  /** URL of the relay that viewers are sent to when it drains; default: none. */
  readonly drainTo?: string;
  /** The section access, asked for at each start and reload; default: none. */
  readonly access?: () => unknown;
}

/** A node that viewers use and that pulls from `origin`, which has been started. */
export function edgeNode(workshop: Workshop, origin: Node, o: EdgeOptions = {}): Node {
  const name = o.name ?? "edge";
  return new Node(workshop, name, (a) => `
name: ${name}
drain:
  timeout: 5s
  uri: "${o.drainTo ?? ""}"
listen: ${a.relay}
upstream:
  url: moqt://${origin.addresses.relay}
  fingerprintURL: ${origin.page("/certificate.sha256")}
certificate:
  development: true
  dir: "${o.certificates ?? ""}"
http:
  listen: ${a.http}
admin:
  listen: ${a.admin}
access: ${JSON.stringify(o.access?.() ?? null)}
`);
}
