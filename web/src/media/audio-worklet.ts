// The AudioWorklet processor: a thin shell around AudioRing. Chunks and anchors
// come through a port that the page hands over in the first message; reports
// go back through it. The page has no part in the flow of audio.

import { AudioRing } from "./audio-ring.ts";
import type { FromWorklet, ToWorklet } from "./messages.ts";

/** Names the scope of AudioWorklets, which the DOM library leaves out. */
declare const sampleRate: number;
declare const currentTime: number;
declare class AudioWorkletProcessor {
  readonly port: MessagePort;
}
declare function registerProcessor(name: string, processor: new () => AudioWorkletProcessor): void;

/** Quanta (128 samples) between reports: about 40 ms. */
const REPORT_EVERY = 15;

class PlayerProcessor extends AudioWorkletProcessor {
  private readonly ring = new AudioRing(sampleRate);
  private source: MessagePort | undefined;
  private quanta = 0;

  constructor() {
    super();
    this.port.onmessage = (e: MessageEvent<MessagePort | null>) => {
      this.source?.close();
      this.source = e.data ?? undefined;
      this.ring.clear();
      if (this.source !== undefined) this.source.onmessage = (m: MessageEvent<ToWorklet>) => this.take(m.data);
    };
  }

  /** Called by the browser for each quantum; true keeps the node alive. */
  process(_inputs: Float32Array[][], outputs: Float32Array[][]): boolean {
    if (this.source === undefined) return true;
    this.ring.render(outputs[0] ?? [], currentTime);
    if (++this.quanta % REPORT_EVERY === 0) {
      const report: FromWorklet = this.ring.state(currentTime + 128 / sampleRate);
      this.source.postMessage(report);
    }
    return true;
  }

  private take(message: ToWorklet): void {
    switch (message.type) {
      case "chunk":
        this.ring.push(message.chunk);
        return;
      case "anchor":
        this.ring.setAnchor(message.anchor);
        if (message.resync) this.ring.resync();
        return;
      case "clear":
        this.ring.clear();
    }
  }
}

registerProcessor("moqedge-audio", PlayerProcessor);
