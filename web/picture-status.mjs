// Makes docs/status.png, the picture of the status page, from the running product: a tree
// of three nodes, the clip of the demo published at its top, viewers at two of them.
// Usage: make picture
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { createInterface } from 'node:readline';
import { chromium } from 'playwright-core';

const [binary, output] = process.argv.slice(2);
const folder = await mkdtemp(path.join(tmpdir(), 'moqedge-picture-'));
const children = [];
const run = (...args) => {
  const child = spawn(binary, args, { stdio: ['ignore', 'pipe', 'inherit'] });
  children.push(child);
  return child;
};

/** Starts a node; above is the one that it is below. */
const node = async (name, region, above) => {
  const file = path.join(folder, `${name}.yaml`);
  const any = '127.0.0.1:0';
  const upstream = above && { name: above.name, url: `moqt://${above.relay}`, fingerprintURL: `http://${above.http}/certificate.sha256` };
  // JSON is YAML.
  await writeFile(file, JSON.stringify({ name, id: name, region, listen: any, upstreams: upstream ? [upstream] : [], http: { listen: any }, admin: { listen: any }, log: { level: 'warn' } }));
  const lines = createInterface({ input: run('serve', '-c', file, '--json').stdout });
  const [first] = await once(lines, 'line');
  return { name, ...JSON.parse(first) };
};

const client = (what, at, ...args) => run(what, `moqt://${at.relay}`, ...args, '--fingerprint-url', `http://${at.http}/certificate.sha256`).stdout.resume();

let browser;
try {
  const origin = await node('origin-iad', 'us');
  const shield = await node('shield-fra', 'eu', origin);
  const edge = await node('edge-fra-1', 'eu', shield);
  client('pub', origin, 'demo');
  const known = async () => (await (await fetch(`http://${edge.admin}/namespaces`)).json()).routes.length > 0;
  for (const end = Date.now() + 20_000; !(await known()) && Date.now() < end; ) await new Promise((r) => setTimeout(r, 100));
  for (const at of [shield, edge, edge]) client('sub', at, 'demo');
  browser = await chromium.launch({
    executablePath: '/usr/bin/chromium',
    args: ['--no-sandbox', '--headless', '--disable-background-networking', '--no-first-run', '--disable-component-update', '--disable-sync'],
  });
  const page = await browser.newPage({ viewport: { width: 1280, height: 1330 } });
  await page.goto(`http://${shield.admin}/`);
  await page.waitForFunction(() => Number(document.body.dataset.updates) >= 25, undefined, { timeout: 120_000 });
  await page.screenshot({ path: output });
} finally {
  await browser?.close();
  for (const child of children) child.kill('SIGINT');
  await Promise.all(children.map((c) => (c.exitCode === null ? once(c, 'exit') : undefined)));
  await rm(folder, { recursive: true, force: true });
}
