// moq-relay and moq-cli: our objects through their relay, and their media
// through ours.

import { spawn } from "node:child_process";
import { createServer } from "node:net";
import type { AddressInfo } from "node:net";
import path from "node:path";
import type { Child } from "../../../../../web/test/e2e/child.ts";
import { until } from "../../../../../web/test/e2e/until.ts";
import type { Stage } from "./stage.ts";
import { groupOf } from "./pattern.ts";
import { Suite, type Known } from "./suite.ts";
import type { Row } from "./report.ts";

const DRAFTS = [18, 16, 22, 21, 20, 19] as const;

/** Pictures that a decoder must find in what their subscriber writes: more than a group. */
const FRAMES = 90;

const subgroups: Known = {
  why: "forwards subgroup 0 and contiguous object IDs only",
  error: /after 0 whole groups|does not exist|no object/,
};
const datagrams: Known = {
  why: "does not forward several datagrams of a group",
  error: /after 0 whole groups/,
};
const annexB: Known = {
  why: "takes avc1 of an MSF catalog with CMAF for Annex B",
  error: /invalid Annex B start code/,
};
const partialDelivery: Known = {
  why: "its HTTP/3 server does not announce RESET_STREAM_AT",
  error: /server didn't enable QUIC stream reset partial delivery/,
};

/** A TCP port that is free now; their relay takes no 0 that it would tell us. */
async function freePort(): Promise<number> {
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const { port } = server.address() as AddressInfo;
  await new Promise((resolve) => server.close(resolve));
  return port;
}

/** Where their programs are. */
export interface Rust {
  readonly folder: string;
  readonly relayVersion: string;
  readonly cliVersion: string;
}

export async function rustCases(stage: Stage, rust: Rust, tell: (t: string) => void): Promise<Row[]> {
  const relays = new Suite({ peer: "moq-relay", version: rust.relayVersion, transport: "QUIC" }, tell);
  const webtransport = new Suite({ peer: "moq-relay", version: rust.relayVersion, transport: "WebTransport" }, tell);
  const theirs = await startRelay(stage, rust);
  for (const draft of DRAFTS) {
    const through = (suite: Suite, scheme: string, track: string, known?: Known): Promise<void> =>
      suite.run(String(draft), `ours > moq-relay > ours: ${track}`, async () => {
        const place = ["-url", `${scheme}://127.0.0.1:${theirs.port}/`, "-fingerprint", theirs.fingerprint, "-draft", `moqt-${draft}`];
        const namespace = `interop/rust${draft}${scheme}${track}`;
        const publisher = await stage.publish(namespace, ...place);
        try {
          return await stage.receive(namespace, track, ...place, "-any-properties", "-any-priority", "-timeout", "6s");
        } finally {
          await publisher.stop();
        }
      }, known);
    await through(relays, "moqt", "plain");
    await through(relays, "moqt", "gaps", subgroups);
    await through(relays, "moqt", "datagrams", datagrams);
    await through(webtransport, "https", "plain", partialDelivery);
  }
  await theirs.child.stop();

  const cli: Row[] = [];
  for (const [transport, url, drafts] of [["QUIC", stage.quic, DRAFTS], ["WebTransport", stage.url, [18, 16, 22]]] as const) {
    const suite = new Suite({ peer: "moq-cli", version: rust.cliVersion, transport }, tell);
    for (const draft of drafts) await cliCases(stage, rust, suite, draft, url);
    cli.push(...suite.rows);
  }
  return [...relays.rows, ...webtransport.rows, ...cli];
}

async function startRelay(stage: Stage, rust: Rust): Promise<{ child: Child; port: number; fingerprint: string }> {
  const port = await freePort();
  const http = await freePort();
  const child = stage.run("moq-relay", path.join(rust.folder, "moq-relay"), [
    "--listen", `127.0.0.1:${port}`, "--listen-tls-generate", "localhost", "--web-http-listen", `127.0.0.1:${http}`, "--auth-public", "**",
  ]);
  const fingerprint = await until("moq-relay to serve", 10_000, async () => (await fetch(`http://127.0.0.1:${http}/certificate.sha256`)).text());
  return { child, port, fingerprint: fingerprint.trim() };
}

async function cliCases(stage: Stage, rust: Rust, suite: Suite, draft: number, url: string): Promise<void> {
  const moq = path.join(rust.folder, "moq");
  const connect = ["--connect", url, "--connect-version", `moq-transport-${draft}`, "--connect-tls-fingerprint", stage.fingerprint];
  const name = `rust${draft}${url.slice(0, 5).replace(":", "")}`;
  // A job of its own, so that all of it ends with the shell.
  const pipe = (title: string, ...commands: readonly string[][]): Child => {
    const pipeline = commands.map((c) => c.map((a) => `'${a}'`).join(" ")).join(" | ");
    return stage.run(title, "bash", ["-c", `export RUST_BACKTRACE=0; set -m; ${pipeline} & trap 'kill %1' TERM; wait %1`]);
  };
  /** Decodes what their subscriber writes. */
  const decode = async (broadcast: string): Promise<string> => {
    const child = pipe(`moq-cli, subscriber of ${broadcast}`,
      ["timeout", "15", moq, "--log-level", "warn", ...connect, "--broadcast", broadcast, "export", "fmp4"],
      ["ffmpeg", "-v", "error", "-nostats", "-progress", "-", "-i", "-", "-map", "0:v", "-frames:v", String(FRAMES), "-f", "null", "-"]);
    const exit = await until(`${FRAMES} decoded pictures`, 20_000, () => child.exit);
    const decoded = Number([...child.output.matchAll(/^frame=(\d+)/gm)].at(-1)?.[1] ?? 0);
    if (exit.code !== 0 || decoded < FRAMES) throw new Error(`${decoded} pictures decoded: ${child.output.trim().slice(-2000)}`);
    return "";
  };

  /** What our relay says of their tracks, if a case fails. */
  const blame = (e: unknown): never => {
    const said = stage.relay.process.output.split("\n").filter((l) => l.includes("malformed track") && l.includes(`track=${name}.2emsf`)).at(-1);
    throw new Error(said ?? (e instanceof Error ? e.message : String(e)));
  };

  const publisher = pipe(`moq-cli, publisher of ${name}`,
    ["ffmpeg", "-v", "error", "-re", "-f", "lavfi", "-i", "testsrc=size=320x180:rate=30", "-c:v", "libx264", "-preset", "ultrafast", "-tune", "zerolatency", "-g", "30", "-t", "60", "-f", "mpegts", "-"],
    [moq, "--log-level", "warn", ...connect, "--broadcast", `${name}.msf`, "import", "ts"]);
  await suite.run(String(draft), "moq-cli > our relay > ours", () => count(stage, name).catch(blame));
  await suite.run(String(draft), "moq-cli > our relay > moq-cli", () => decode(`${name}.msf`).catch(blame));
  await publisher.stop();

  // From draft 20 on it asks for a fill, and often leaves before its end: see INTEROP.md.
  if (draft < 20) await suite.run(String(draft), "ours > our relay > moq-cli fetch", () => fetchGroup(stage, moq, connect, name));

  await suite.run(String(draft), "moqedge pub > our relay > moq-cli", async () => {
    const ours = stage.run(`our publisher of ${name}-ours`, stage.workshop.moqedge, ["pub", stage.quic, `${name}-ours`, "--fingerprint", stage.fingerprint]);
    try {
      return await decode(`${name}-ours.msf`);
    } finally {
      await ours.stop();
    }
  }, annexB);
}

/** Subscribes to all that they publish and counts objects. */
async function count(stage: Stage, name: string): Promise<string> {
  const child = stage.run(`our subscriber of ${name}`, stage.workshop.moqedge, [
    "sub", stage.quic, `${name}.msf`, "--fingerprint", stage.fingerprint, "--join", "0", "--json", "--duration", "5s",
  ]);
  await until("our subscriber", 15_000, () => child.exit);
  const objects = Math.max(0, ...[...child.output.matchAll(/"objects":(\d+)/g)].map((m) => Number(m[1])));
  if (objects < FRAMES) throw new Error(`${objects} objects: ${child.output.trim().slice(-2000)}`);
  return "";
}

/** Their "fetch" writes the payloads of the newest group of our pattern. */
async function fetchGroup(stage: Stage, moq: string, connect: readonly string[], name: string): Promise<string> {
  const namespace = `interop/${name}`;
  const publisher = await stage.publish(namespace);
  const child = stage.run("moq-cli fetch", "timeout", ["5", moq, "--log-level", "error", ...connect, "--broadcast", namespace, "fetch", "plain"]);
  await until("moq-cli fetch", 10_000, () => child.exit);
  await publisher.stop();
  const group = Number(/^plain\/(\d+)\/0\/0;/.exec(child.output)?.[1] ?? -1);
  const want = groupOf("plain", group, "vi64").map((o) => new TextDecoder().decode(o.payload)).join("");
  if (group < 0 || child.output !== want) throw new Error(`${child.output.length} bytes: ${child.output.slice(0, 200)}`);
  return "";
}

/** The version that a program tells. */
export function programVersion(file: string): Promise<string> {
  return new Promise((resolve, reject) => {
    const child = spawn(file, ["--version"], { stdio: ["ignore", "pipe", "inherit"] });
    let text = "";
    child.stdout.on("data", (b: Buffer) => (text += b.toString()));
    child.once("error", reject);
    child.once("close", () => resolve(/\d+\.\d+\.\d+/.exec(text)?.[0] ?? text.trim()));
  });
}
