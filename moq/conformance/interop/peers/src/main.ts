// Runs all peers and prints what came of it. Arguments name peers to run; all by default.

import { readFile } from "node:fs/promises";
import path from "node:path";
import { outputs } from "../../../../../web/test/e2e/child.ts";
import { moqtCases } from "./moqt.cases.ts";
import { table, type Row } from "./report.ts";
import { Stage } from "./stage.ts";

const [bundles, modules, ...words] = process.argv.slice(2);
if (bundles === undefined || modules === undefined) throw new Error("started by run.mjs");

/** The installed version of a package. */
async function version(name: string): Promise<string> {
  const text = await readFile(path.join(modules as string, name, "package.json"), "utf8");
  return (JSON.parse(text) as { version: string }).version;
}

const stage = await Stage.open(bundles);
const rows: Row[] = [];
try {
  for (const [name, cases] of [
    ["@moqt/transport", moqtCases],
  ] as const) {
    if (words.length > 0 && !words.some((w) => name.includes(w))) continue;
    rows.push(...(await cases(stage, await version(name), (text) => console.log(text))));
  }
} finally {
  if (rows.length === 0 || rows.some((r) => r.result === "FAILED")) console.log(outputs([...stage.relay.lives, ...stage.children]));
  await stage.close();
}
console.log(`\n${table(rows)}\n`);
const failed = rows.filter((r) => r.result === "FAILED").length;
console.log(`${rows.length - failed} passed, ${failed} failed`);
process.exit(failed === 0 && rows.length > 0 ? 0 : 1);
