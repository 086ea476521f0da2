// Functions that run in a watch page. The browser gets their source text alone,
// so each stands on its own: only types may come from elsewhere.

import type { MoqedgePlayer } from "../../src/ui/player-element.ts";
import type { Row } from "./clock.ts";
import type { Spectrum } from "./verdict.ts";

declare global {
  interface Window {
    /** ms from the navigation to the first picture, written by notePaint. */
    firstPaint?: number;
    /** Proves that a page was not loaded again. */
    testMark?: string;
  }
}

/** Runs before the page's own scripts: notes when the player gets its first picture. */
export function notePaint(): void {
  document.addEventListener(
    "loadedmetadata",
    (e) => {
      if (e.target instanceof Element && e.target.localName === "moqedge-player") window.firstPaint ??= performance.now();
    },
    { capture: true },
  );
}

/** Brightness of the cells of one picture, and what the player says about it. */
export interface Look {
  readonly before: number;
  readonly after: number;
  /** Empty when the player gave no picture. */
  readonly levels: number[];
  readonly overlay: number;
  readonly timestamp: number;
}

/** Takes pictures from the player for `duration` ms, one each `every` ms. */
export async function look(o: { row: Row; duration: number; every: number }): Promise<Look[]> {
  const player = document.querySelector<MoqedgePlayer>("moqedge-player");
  if (player === null) throw new Error("the page has no player");
  const { row } = o;
  const context = new OffscreenCanvas(row.width, row.height).getContext("2d", { willReadFrequently: true });
  if (context === null) throw new Error("no canvas");
  const levels = (picture: ImageBitmap): number[] => {
    const sx = picture.width / row.width;
    const sy = picture.height / row.height;
    const [w, h] = [Math.round(row.cellWidth * row.cells), Math.round(row.cellHeight)];
    context.drawImage(picture, row.x * sx, row.y * sy, w * sx, h * sy, 0, 0, w, h);
    picture.close();
    const { data } = context.getImageData(0, 0, w, h);
    // The middle of a cell: its edges are blurred by compression.
    return Array.from({ length: row.cells }, (_, cell) => {
      let sum = 0;
      let count = 0;
      for (let y = Math.floor(h * 0.3); y < h * 0.7; y++) {
        for (let x = Math.ceil((cell + 0.3) * row.cellWidth); x < (cell + 0.7) * row.cellWidth; x++) {
          const at = (y * w + x) * 4;
          sum += 0.299 * (data[at] ?? 0) + 0.587 * (data[at + 1] ?? 0) + 0.114 * (data[at + 2] ?? 0);
          count++;
        }
      }
      return sum / count;
    });
  };
  const looks: Look[] = [];
  const end = performance.now() + o.duration;
  for (let next = performance.now(); next < end; next += o.every) {
    await new Promise((resolve) => setTimeout(resolve, Math.max(0, next - performance.now())));
    const before = Date.now();
    const picture = await player.captureFrame().catch(() => undefined);
    const after = Date.now();
    const stats = player.getStats();
    looks.push({
      before,
      after,
      levels: picture === undefined ? [] : levels(picture),
      overlay: stats?.latencyMs ?? NaN,
      timestamp: (stats?.lastPaintedTimestamp ?? NaN) / 1000,
    });
  }
  return looks;
}

/** Listens to the player: `count` spectra, one each `every` ms. */
export async function listen(o: { count: number; every: number }): Promise<Spectrum[]> {
  const player = document.querySelector<MoqedgePlayer>("moqedge-player");
  const node = player?.audioNode;
  if (node === null || node === undefined) throw new Error("the player has no sound to listen to");
  const analyser = new AnalyserNode(node.context, { fftSize: 16384, smoothingTimeConstant: 0 });
  node.connect(analyser);
  const bins = new Float32Array(analyser.frequencyBinCount);
  const width = node.context.sampleRate / analyser.fftSize;
  const spectra: Spectrum[] = [];
  // The analyser's window must be full first.
  const full = node.context.currentTime + (1.2 * analyser.fftSize) / node.context.sampleRate;
  const end = performance.now() + 3000;
  while (node.context.currentTime < full && performance.now() < end) await new Promise((resolve) => setTimeout(resolve, 20));
  for (let i = 0; i < o.count; i++) {
    if (i > 0) await new Promise((resolve) => setTimeout(resolve, o.every));
    analyser.getFloatFrequencyData(bins);
    let at = 0;
    bins.forEach((level, bin) => {
      if (level > (bins[at] ?? -Infinity)) at = bin;
    });
    const sorted = [...bins].sort((a, b) => a - b);
    spectra.push({
      peakHz: at * width,
      peak: bins[at] ?? -Infinity,
      noise: sorted[sorted.length >> 1] ?? -Infinity,
      rate: player?.getStats()?.playbackRate ?? NaN,
    });
  }
  node.disconnect(analyser);
  return spectra;
}

/** Brightness of the cells in a picture of the screen: PNG in base64, in which the player's picture has this rectangle. */
export async function levelsOnScreen(o: { png: string; row: Row; rect: { x: number; y: number; width: number; height: number } }): Promise<number[]> {
  const bytes = Uint8Array.from(atob(o.png), (c) => c.charCodeAt(0));
  const picture = await createImageBitmap(new Blob([bytes], { type: "image/png" }));
  const context = new OffscreenCanvas(picture.width, picture.height).getContext("2d", { willReadFrequently: true });
  if (context === null) throw new Error("no canvas");
  context.drawImage(picture, 0, 0);
  const sx = o.rect.width / o.row.width;
  const sy = o.rect.height / o.row.height;
  return Array.from({ length: o.row.cells }, (_, cell) => {
    const x = o.rect.x + (o.row.x + (cell + 0.5) * o.row.cellWidth) * sx;
    const y = o.rect.y + (o.row.y + o.row.cellHeight / 2) * sy;
    const { data } = context.getImageData(Math.round(x) - 1, Math.round(y) - 1, 3, 3);
    let sum = 0;
    for (let i = 0; i < data.length; i += 4) sum += 0.299 * (data[i] ?? 0) + 0.587 * (data[i + 1] ?? 0) + 0.114 * (data[i + 2] ?? 0);
    return sum / (data.length / 4);
  });
}
