// Runs peers and prints what came of it. The first argument is the folder with
// the pages' scripts, the second that with the installed packages, the third
// that with the Rust programs ("" for none); the others name the peers to run.

import { readFile } from "node:fs/promises";
import path from "node:path";
import { outputs } from "../../../../../web/test/e2e/child.ts";
import { eyevinnCases } from "./eyevinn.cases.ts";
import { moqNetCases } from "./moqnet.cases.ts";
import { moqtCases } from "./moqt.cases.ts";
import { table, type Row } from "./report.ts";
import { programVersion, rustCases } from "./rust.cases.ts";
import { shakaCases } from "./shaka.cases.ts";
import { Stage } from "./stage.ts";

const [bundles = "", modules = "", rust = "", ...names] = process.argv.slice(2);

/** The installed version of a package. */
async function version(name: string): Promise<string> {
  const text = await readFile(path.join(modules, name, "package.json"), "utf8");
  return (JSON.parse(text) as { version: string }).version;
}

type Cases = (stage: Stage, tell: (text: string) => void) => Promise<Row[]>;

const PEERS: Record<string, Cases> = {
  eyevinn: (_, tell) => eyevinnCases(tell),
  "@moqt/transport": async (stage, tell) => moqtCases(stage, await version("@moqt/transport"), tell),
  "@moq/net": async (stage, tell) => moqNetCases(stage, await version("@moq/net"), tell),
  "shaka-player": async (stage, tell) => shakaCases(stage, await version("shaka-player"), tell),
  rust: async (stage, tell) =>
    rustCases(stage, {
      folder: rust,
      relayVersion: await programVersion(path.join(rust, "moq-relay")),
      cliVersion: await programVersion(path.join(rust, "moq")),
    }, tell),
};

const stage = await Stage.open(bundles);
const rows: Row[] = [];
try {
  for (const name of names) {
    const cases = PEERS[name];
    if (cases === undefined) throw new Error(`no peer ${name}: there are ${Object.keys(PEERS).join(", ")}`);
    rows.push(...(await cases(stage, (text) => console.log(text))));
  }
} finally {
  if (rows.length === 0 || rows.some((r) => r.result === "FAILED")) console.log(outputs([...stage.relay.lives, ...stage.children]));
  await stage.close();
}
console.log(`\n${table(rows)}\n`);
const failed = rows.filter((r) => r.result === "FAILED").length;
console.log(`${rows.length - failed} passed, ${failed} failed`);
process.exit(failed === 0 && rows.length > 0 ? 0 : 1);
