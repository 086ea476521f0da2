// Makes docs/player.png, the picture of the README, from the running product:
// starts the demo, opens its page in Chromium and takes a screenshot.
// Usage: make picture
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';
import { chromium } from 'playwright-core';

const [binary, output] = process.argv.slice(2);
const demo = spawn(binary, ['demo', '--json', '--http=127.0.0.1:0', '--edge=127.0.0.1:0', '--srt=127.0.0.1:0'], { stdio: ['ignore', 'pipe', 'inherit'] });
const [first] = await once(createInterface({ input: demo.stdout }), 'line');
const browser = await chromium.launch({
  executablePath: '/usr/bin/chromium',
  args: ['--no-sandbox', '--headless', '--disable-background-networking', '--no-first-run', '--disable-component-update', '--disable-sync', '--autoplay-policy=no-user-gesture-required'],
});
try {
  const page = await browser.newPage({ viewport: { width: 1280, height: 760 } });
  await page.goto(JSON.parse(first).player);
  const player = page.locator('moqedge-player');
  await page.waitForFunction(() => (document.querySelector('moqedge-player')?.getStats?.().paintedFrames ?? 0) > 150);
  await player.press('i'); // the statistics
  await page.waitForFunction(() => document.querySelector('moqedge-player').getStats().paintedFrames > 200);
  await page.screenshot({ path: output });
} finally {
  await browser.close();
  demo.kill('SIGINT');
  await once(demo, 'exit');
}
