// The player's worker: connects the Engine to the page, to the
// network, and to the refresh of the screen.

import { MoqSession } from "../moq/index.ts";
import { Engine } from "./engine.ts";
import { fetchFingerprints } from "./fingerprint.ts";
import type { FromWorker, ToWorker } from "./messages.ts";
import { threadTimers } from "./timers.ts";
import { threadClock } from "./wallclock.ts";

/** Without refreshes (a hidden page, a covered window) the engine still moves this often (ms). */
const IDLE_TICK_MS = 50;

/** The part of DedicatedWorkerGlobalScope in use; the DOM library describes windows only. */
interface Scope {
  onmessage: ((e: MessageEvent<ToWorker>) => void) | null;
  postMessage(m: FromWorker, transfer: Transferable[]): void;
  requestAnimationFrame(run: () => void): number;
}

/** Makes this worker a player, told what to do by its page. */
export function serve(): void {
  const scope = self as unknown as Scope;

  const engine = new Engine(
    threadClock(),
    {
      timers: threadTimers(),
      random: () => Math.random(),
      fingerprints: (url) => fetchFingerprints(url),
      connect: (o) =>
        MoqSession.connect({
          url: o.url,
          ...(o.fingerprints === undefined ? {} : { fingerprints: o.fingerprints }),
          ...(o.protocols === undefined ? {} : { versions: [...o.protocols] }),
          connectTimeoutMs: o.connectTimeoutMs,
          onClosed: o.onClosed,
          onGoaway: o.onGoaway,
        }),
    },
    (m, transfer = []) => scope.postMessage(m, transfer),
  );

  let ticked = -Infinity;

  function tick(): void {
    ticked = performance.now();
    engine.tick();
  }

  function refresh(): void {
    tick();
    scope.requestAnimationFrame(refresh);
  }

  scope.onmessage = (e) => {
    const m = e.data;
    switch (m.type) {
      case "canvas":
        engine.setCanvas(m.canvas);
        return;
      case "play":
        engine.play(m.source);
        return;
      case "pause":
        engine.pause();
        return;
      case "target":
        engine.setTarget(m.targetLatency);
        return;
      case "visible":
        engine.setVisible(m.visible);
        return;
      case "audio":
        engine.setAudioPort(m.port);
        return;
      case "output":
        engine.audioOutput(m.contextTime, m.at);
        return;
      case "capture":
        void engine.capture(m.id);
    }
  };

  scope.requestAnimationFrame(refresh);
  setInterval(() => {
    if (performance.now() - ticked >= IDLE_TICK_MS) tick();
  }, IDLE_TICK_MS);
}
