// `moqedge demo` and `make demo` as a person runs them.

import assert from "node:assert/strict";
import { readdir, readFile } from "node:fs/promises";
import { after, before, type TestContext } from "node:test";
import { clipClock } from "./clock.ts";
import { MODULE } from "./nodes.ts";
import { onStage, Stage } from "./stage.ts";
import { until } from "./until.ts";
import { describePicture, notMoving, tooLate } from "./verdict.ts";

/** A demo beside others takes whatever ports are free. */
const PORTS = ["--http=127.0.0.1:0", "--edge=127.0.0.1:0", "--origin=127.0.0.1:0", "--srt=127.0.0.1:0"];

let stage: Stage;
const on = (name: string, body: (t: TestContext) => Promise<void>): void => onStage(name, () => stage, body);

before(async () => {
  stage = await Stage.open();
});

after(() => stage?.close());

on("the clip plays at the printed address, in step with UTC", async (t) => {
  const demo = stage.run("demo", stage.workshop.moqedge, ["demo", ...PORTS]);
  const [, page] = await until("the player's address", 10_000, () => /^watch +(http:\S+)/m.exec(demo.output) ?? undefined);
  assert.ok(page !== undefined);
  const viewer = await stage.viewer();
  t.diagnostic(`picture after ${Math.round(await viewer.watch(page))} ms`);
  await viewer.hear();
  const samples = await viewer.look(clipClock, 4000);
  const picture = describePicture(samples);
  t.diagnostic(`behind UTC: median ${Math.round(picture.median)} ms, p95 ${Math.round(picture.p95)} ms`);
  assert.equal(notMoving(samples), "");
  assert.equal(tooLate(samples, 1000), "");
  assert.ok(samples.every((s) => s.clock === undefined || s.clock <= s.after), "no picture comes before its time");
  await viewer.close();

  await until("a status line with something live", 15_000, () => /sessions \d+ \| tracks [1-9].*live: demo/.test(demo.output));
  assert.match(demo.output, /ffmpeg .*srt:\/\/127\.0\.0\.1:\d+\?streamid=publish:cam1/);
  demo.signal("SIGINT");
  const exit = await until("the demo's end", 5000, () => demo.exit);
  assert.deepEqual(exit, { code: 0, signal: null });
});

on("make demo on a terminal ends with 0 on Ctrl-C and leaves no process", async () => {
  const mark = `MOQEDGE_E2E=${crypto.randomUUID()}`;
  // These tests run from web/node_modules, which must not be installed again meanwhile.
  const make = `env ${mark} make -C ${MODULE} -o web/node_modules/.package-lock.json demo ARGS="${PORTS.join(" ")}"`;
  const terminal = stage.run("make demo", "script", ["-qefc", make, "/dev/null"]);
  await until("a status line", 60_000, () => {
    if (terminal.exit !== undefined) throw new Error("it has ended");
    return /live: demo/.test(terminal.output);
  });
  assert.notDeepEqual(await processesWith(mark), [], "the demo runs");
  terminal.type("\x03");
  const exit = await until("make's end", 8000, () => terminal.exit);
  assert.deepEqual(exit, { code: 0, signal: null });
  await until("the end of all its processes", 2000, async () => (await processesWith(mark)).length === 0);
});

/** Ids of the processes that have this in their environment. */
async function processesWith(variable: string): Promise<string[]> {
  const ids = (await readdir("/proc")).filter((name) => /^\d+$/.test(name));
  const found = await Promise.all(
    ids.map(async (id) => {
      const environment = await readFile(`/proc/${id}/environ`, "latin1").catch(() => "");
      return environment.split("\0").includes(variable) ? [id] : [];
    }),
  );
  return found.flat();
}
