// The page's end of the player's worker: starts it, talks to it, and keeps what
// it tells so that questions can be answered at once.

import type { FromWorker, SourceConfig, ToWorker } from "../media/messages.ts";
import { PaintLog, type PlayerStats } from "../media/stats.ts";
import { threadClock } from "../media/wallclock.ts";

/** An answer to captureFrame() that takes longer than this (ms) is not coming. */
const CAPTURE_TIMEOUT_MS = 3000;

/** Events of the worker but for those answered here. */
export type PlayerEvent = Exclude<FromWorker, { type: "captured" }>;

export class PlayerClient {
  private readonly worker: Worker;
  private readonly clock = threadClock();
  private readonly paints = new PaintLog();
  private readonly captures = new Map<number, (b: ImageBitmap | null) => void>();
  private nextCapture = 1;
  private latest: PlayerStats | undefined;

  /** Starts a worker that paints on `canvas`, which becomes its own. */
  constructor(script: URL, canvas: HTMLCanvasElement, event: (e: PlayerEvent) => void, broken: (text: string) => void) {
    this.worker = new Worker(loadable(script), { type: "module", name: "moqedge-player" });
    this.worker.onerror = (e) => broken(e.message === "" ? "The player's worker could not be loaded." : e.message);
    this.worker.onmessage = (e: MessageEvent<FromWorker>) => {
      const m = e.data;
      if (m.type === "captured") {
        this.captures.get(m.id)?.(m.bitmap);
        this.captures.delete(m.id);
        return;
      }
      if (m.type === "painted") this.paints.painted(m.timestamp, m.at);
      if (m.type === "stats") this.latest = m.stats;
      event(m);
    };
    const offscreen = canvas.transferControlToOffscreen();
    this.send({ type: "canvas", canvas: offscreen }, [offscreen]);
  }

  play(source: SourceConfig): void {
    this.send({ type: "play", source });
  }

  pause(): void {
    this.send({ type: "pause" });
  }

  setTarget(targetLatency: number): void {
    this.send({ type: "target", targetLatency });
  }

  setVisible(visible: boolean): void {
    this.send({ type: "visible", visible });
  }

  setAudioPort(port: MessagePort | null): void {
    this.send({ type: "audio", port }, port === null ? [] : [port]);
  }

  audioOutput(contextTime: number, at: number): void {
    this.send({ type: "output", contextTime, at });
  }

  /** What is on the canvas now. Rejects before the first picture and when the worker does not answer. */
  captureFrame(): Promise<ImageBitmap> {
    const id = this.nextCapture++;
    return new Promise((resolve, reject) => {
      const timer = setTimeout(() => {
        this.captures.delete(id);
        reject(new DOMException("The player does not answer.", "TimeoutError"));
      }, CAPTURE_TIMEOUT_MS);
      this.captures.set(id, (bitmap) => {
        clearTimeout(timer);
        if (bitmap === null) reject(new DOMException("There is no picture yet.", "InvalidStateError"));
        else resolve(bitmap);
      });
      this.send({ type: "capture", id });
    });
  }

  /** The worker's numbers, with those of the picture taken now: they never are older than the last paint. */
  stats(): PlayerStats | undefined {
    if (this.latest === undefined) return undefined;
    const now = this.clock.now();
    return {
      ...this.latest,
      latencyMs: this.paints.latency(now),
      fps: this.paints.fps(now),
      lastPaintedTimestamp: this.paints.last?.timestamp ?? 0,
    };
  }

  /** Ends the worker and everything in it. */
  close(): void {
    this.worker.terminate();
  }

  private send(message: ToWorker, transfer: Transferable[] = []): void {
    this.worker.postMessage(message, transfer);
  }
}

/** Workers must come from the page's origin; a player embedded elsewhere goes through a blob that imports it. */
function loadable(script: URL): URL | string {
  if (script.origin === location.origin) return script;
  return URL.createObjectURL(new Blob([`import ${JSON.stringify(script.href)};`], { type: "text/javascript" }));
}
