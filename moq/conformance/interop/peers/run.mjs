// Bundles the pages with the peers' packages and the runner, and runs it.
// Usage: node run.mjs [PEER …], after npm ci here and in web/.
import { spawn } from "node:child_process";
import { copyFile, mkdir, mkdtemp, rm } from "node:fs/promises";
import { createRequire } from "node:module";
import path from "node:path";
import { fileURLToPath } from "node:url";

const here = path.dirname(fileURLToPath(import.meta.url));
const web = path.resolve(here, "../../../../web");
const { build } = createRequire(path.join(web, "package.json"))("esbuild");

// Below web's modules, where the runner finds playwright-core.
const cache = path.join(web, "node_modules", ".moqedge-interop");
await mkdir(cache, { recursive: true });
const dir = await mkdtemp(path.join(cache, "run-"));
let status = 1;
try {
  const pages = path.join(dir, "pages");
  const common = { bundle: true, format: "esm", sourcemap: "inline", logLevel: "warning" };
  await build({
    ...common,
    absWorkingDir: here,
    entryPoints: ["moqt"].map((name) => ({ in: `src/${name}.page.ts`, out: name })),
    outdir: pages,
    platform: "browser",
    target: "chrome120",
  });
  await copyFile(path.join(here, "node_modules/shaka-player/dist/shaka-player.experimental.js"), path.join(pages, "shaka-player.js"));
  await build({
    ...common,
    absWorkingDir: here,
    entryPoints: ["src/main.ts"],
    outfile: path.join(dir, "main.mjs"),
    platform: "node",
    target: "node20",
    external: ["playwright-core"],
  });
  const args = ["--enable-source-maps", path.join(dir, "main.mjs"), pages, path.join(here, "node_modules"), ...process.argv.slice(2)];
  const child = spawn(process.execPath, args, { cwd: web, stdio: "inherit" });
  for (const signal of ["SIGINT", "SIGTERM"]) process.once(signal, () => child.kill(signal));
  status = await new Promise((resolve) => child.once("exit", (code) => resolve(code ?? 1)));
} finally {
  await rm(dir, { recursive: true, force: true });
}
process.exitCode = status;
