// Bundles the runner, and the pages with the peers' packages in them, and runs it.
//
//   node run.mjs                   all but "rust", after npm ci here and in web/
//   node run.mjs "@moq/net"        one of them
//   RUST=folder node run.mjs rust  moq-relay and moq-cli in that folder; needs no npm ci here
import { spawn } from "node:child_process";
import { copyFile, mkdir, mkdtemp, rm } from "node:fs/promises";
import { createRequire } from "node:module";
import path from "node:path";
import { fileURLToPath } from "node:url";

const here = path.dirname(fileURLToPath(import.meta.url));
const web = path.resolve(here, "../../../../web");
const { build } = createRequire(path.join(web, "package.json"))("esbuild");
const peers = process.argv.length > 2 ? process.argv.slice(2) : ["eyevinn", "@moqt/transport", "@moq/net", "shaka-player"];

// Below web's modules, where the runner finds playwright-core.
const cache = path.join(web, "node_modules", ".moqedge-interop");
await mkdir(cache, { recursive: true });
const dir = await mkdtemp(path.join(cache, "run-"));
let status = 1;
try {
  const pages = path.join(dir, "pages");
  await mkdir(pages);
  const common = { bundle: true, format: "esm", sourcemap: "inline", logLevel: "warning", absWorkingDir: here };
  if (peers.some((p) => p !== "rust")) {
    await build({
      ...common,
      entryPoints: ["moqt", "moqnet", "shaka"].map((name) => ({ in: `src/${name}.page.ts`, out: name })),
      outdir: pages,
      platform: "browser",
      target: "chrome120",
    });
    await copyFile(path.join(here, "node_modules/shaka-player/dist/shaka-player.experimental.js"), path.join(pages, "shaka-player.js"));
  }
  await build({
    ...common,
    entryPoints: ["src/main.ts"],
    outfile: path.join(dir, "main.mjs"),
    platform: "node",
    target: "node20",
    external: ["playwright-core"],
  });
  const args = ["--enable-source-maps", path.join(dir, "main.mjs"), pages, path.join(here, "node_modules"), path.resolve(process.env.RUST ?? ""), ...peers];
  const child = spawn(process.execPath, args, { cwd: web, stdio: "inherit" });
  for (const signal of ["SIGINT", "SIGTERM"]) process.once(signal, () => child.kill(signal));
  status = await new Promise((resolve) => child.once("exit", (code) => resolve(code ?? 1)));
} finally {
  await rm(dir, { recursive: true, force: true });
}
process.exitCode = status;
