// Bundles tests with esbuild and runs them with node:test.
//
//   node test/run.mjs                 all of test/**/*.test.ts, which need Node alone
//   node test/run.mjs moq/wire media  only files whose path contains one of the words
//   node test/run.mjs --e2e [words]   test/**/*.e2e.ts, one after the other: they need Go, ffmpeg and Chromium.
//                                     The program is built from the sources, so that no old one is tested;
//                                     MOQEDGE in the environment names another
//
// Tests run with web/ as the working directory, so they find files by paths relative to it.
import { build } from "esbuild";
import { execFileSync, spawn } from "node:child_process";
import { mkdir, mkdtemp, readdir, rm } from "node:fs/promises";
import path from "node:path";
import { fileURLToPath } from "node:url";

const root = path.dirname(path.dirname(fileURLToPath(import.meta.url)));
const e2e = process.argv.includes("--e2e");
const suffix = e2e ? ".e2e.ts" : ".test.ts";
const words = process.argv.slice(2).filter((a) => a !== "--e2e");
const all = (await readdir(path.join(root, "test"), { recursive: true })).map((f) => f.split(path.sep).join("/")).sort();
const tests = all.filter((f) => f.endsWith(suffix) && (words.length === 0 || words.some((w) => f.includes(w))));
if (tests.length === 0) {
  console.error("no test file matches");
  process.exit(1);
}

// Below node_modules, so that external packages resolve; one folder a run, so that runs do not meet.
const cache = path.join(root, "node_modules", ".moqedge-tests");
await mkdir(cache, { recursive: true });
const dir = await mkdtemp(path.join(cache, "run-"));
let status = 1;
try {
  await build({
    absWorkingDir: root,
    entryPoints: tests.map((f) => ({ in: `test/${f}`, out: f.replace(/\.ts$/, "") })),
    outdir: dir,
    outExtension: { ".js": ".mjs" },
    bundle: true,
    platform: "node",
    format: "esm",
    target: "node20",
    packages: "external",
    sourcemap: "inline",
    logLevel: "warning",
  });
  const files = tests.map((f) => path.join(dir, f.replace(/\.ts$/, ".mjs")));
  const flags = e2e ? ["--test-concurrency=1", "--test-reporter=spec"] : [];
  const env = { ...process.env };
  if (e2e && env.MOQEDGE === undefined) {
    env.MOQEDGE = path.join(dir, "moqedge");
    execFileSync("go", ["build", "-o", env.MOQEDGE, "./cmd/moqedge"], { cwd: path.dirname(root), stdio: "inherit" });
  }
  const child = spawn(process.execPath, ["--enable-source-maps", "--test", ...flags, ...files], { cwd: root, env, stdio: "inherit" });
  for (const signal of ["SIGINT", "SIGTERM"]) process.once(signal, () => child.kill(signal));
  status = await new Promise((resolve) => child.once("exit", (code) => resolve(code ?? 1)));
} finally {
  await rm(dir, { recursive: true, force: true });
}
process.exitCode = status;
