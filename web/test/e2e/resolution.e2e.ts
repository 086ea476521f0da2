// A stream that changes its resolution plays on, in the same tab.

import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { readFile, writeFile } from "node:fs/promises";
import path from "node:path";
import { after, before } from "node:test";
import { promisify } from "node:util";
import type { Node } from "./nodes.ts";
import { onStage, Stage } from "./stage.ts";
import { until } from "./until.ts";

let stage: Stage;
let origin: Node;
let edge: Node;

before(async () => {
  stage = await Stage.open();
  ({ origin, edge } = await stage.tree());
});

after(() => stage?.close());

/** Seconds of each resolution. */
const PART = 5;

/** An MPEG-TS file of two parts whose pictures differ in size, with one run of timestamps. */
async function changingStream(folder: string): Promise<string> {
  const parts = await Promise.all(
    ["640x360", "320x180"].map(async (size, i) => {
      const file = path.join(folder, `part${i}.ts`);
      await promisify(execFile)("ffmpeg", [
        "-hide_banner", "-nostdin", "-loglevel", "error",
        "-f", "lavfi", "-i", `testsrc2=size=${size}:rate=30`, "-f", "lavfi", "-i", "sine=frequency=440:sample_rate=48000", "-t", String(PART),
        "-c:v", "libx264", "-preset", "veryfast", "-tune", "zerolatency", "-pix_fmt", "yuv420p", "-g", "30", "-c:a", "aac",
        "-output_ts_offset", String(i * PART), "-f", "mpegts", file,
      ]);
      return readFile(file);
    }),
  );
  const file = path.join(folder, "changing.ts");
  await writeFile(file, Buffer.concat(parts));
  return file;
}

onStage("SRT: a stream that changes its resolution plays on", () => stage, async (t) => {
  const file = await changingStream(stage.workshop.folder);
  const encoder = stage.run("ffmpeg changing", "ffmpeg", [
    "-hide_banner", "-nostdin", "-nostats", "-loglevel", "error", "-re", "-i", file, "-c", "copy",
    "-f", "mpegts", `srt://127.0.0.1:${origin.port("srt")}?streamid=publish:changing&pkt_size=1316`,
  ]);
  await origin.live("changing");
  const viewer = await stage.viewer();
  await viewer.watch(edge.page("/watch/changing"));
  const size = async (): Promise<string> => {
    const { stats } = await viewer.view();
    return `${stats?.width}x${stats?.height}`;
  };
  await until("the first resolution", 5000, async () => (await size()) === "640x360");
  await until("the second resolution", 2000 * PART, async () => (await size()) === "320x180");
  const before = (await viewer.view()).stats;
  await until("more pictures of the second resolution", 3000, async () => ((await viewer.view()).stats?.paintedFrames ?? 0) > (before?.paintedFrames ?? 0) + 30);
  assert.equal(before?.reconnects, 0, "the viewer keeps its session");
  t.diagnostic(`at the change: ${JSON.stringify(before)}`);
  await encoder.exited;
});
