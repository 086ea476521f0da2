// The page's part of sound: an AudioContext, the worklet in it, and a volume.
// Samples go from the player's worker straight to the worklet; this only joins
// the two and tells the worker when a sample leaves the loudspeaker.

import { threadClock } from "../media/wallclock.ts";

/** How often the mapping of context time is measured (ms). */
const MEASURE_EVERY_MS = 200;
/** A context that does not start within this time (ms) waits for a gesture. */
const START_WITHIN_MS = 400;
/** Volume changes take this long (s), so that they do not click. */
const RAMP_S = 0.02;

export interface AudioOutputSink {
  /** The worker's end of the way to the worklet. */
  port(port: MessagePort): void;
  /** The sample of contextTime (s) is heard at wall-clock `at` (ms). */
  output(contextTime: number, at: number): void;
  /** Sound comes out, or no longer does. */
  changed(): void;
}

/** One AudioContext; close() it. */
export class AudioOutput {
  private readonly clock = threadClock();
  private readonly timer: ReturnType<typeof setInterval>;

  private constructor(
    private readonly context: AudioContext,
    private readonly gain: GainNode,
    // Given away when sound first comes out: nothing would empty it before.
    private port: MessagePort | undefined,
    private readonly sink: AudioOutputSink,
  ) {
    this.timer = setInterval(() => this.measure(), MEASURE_EVERY_MS);
    context.addEventListener("statechange", () => this.stateChanged());
    this.stateChanged();
  }

  /**
   * Builds the way to the loudspeaker. Throws when the browser has no
   * AudioWorklet or the worklet cannot be loaded.
   */
  static async open(worklet: URL, sink: AudioOutputSink): Promise<AudioOutput> {
    const context = new AudioContext({ latencyHint: "interactive" });
    try {
      await context.audioWorklet.addModule(worklet);
      const node = new AudioWorkletNode(context, "moqedge-audio", { numberOfInputs: 0, outputChannelCount: [2] });
      const gain = new GainNode(context);
      node.connect(gain).connect(context.destination);
      const { port1, port2 } = new MessageChannel();
      node.port.postMessage(port1, [port1]);
      return new AudioOutput(context, gain, port2, sink);
    } catch (e) {
      void context.close();
      throw e;
    }
  }

  /** Starts the sound; false when the browser wants a gesture first. */
  async resume(): Promise<boolean> {
    const started = this.context.resume().catch(() => undefined);
    const waited = new Promise<void>((resolve) => setTimeout(resolve, START_WITHIN_MS));
    await Promise.race([started, waited]);
    return this.running;
  }

  get running(): boolean {
    return this.context.state === "running";
  }

  suspend(): void {
    if (this.context.state === "running") void this.context.suspend();
  }

  /** 0 to 1, linear. */
  setGain(value: number): void {
    this.gain.gain.setTargetAtTime(value, this.context.currentTime, RAMP_S / 3);
  }

  /** Where the sound can be listened to, after the volume. */
  get node(): AudioNode {
    return this.gain;
  }

  close(): void {
    clearInterval(this.timer);
    void this.context.close();
  }

  private stateChanged(): void {
    if (this.running && this.port !== undefined) {
      this.sink.port(this.port);
      this.port = undefined;
    }
    this.measure();
    this.sink.changed();
  }

  private measure(): void {
    if (!this.running) return;
    const stamp = this.context.getOutputTimestamp();
    if (stamp.contextTime !== undefined && stamp.performanceTime !== undefined && stamp.contextTime > 0) {
      this.sink.output(stamp.contextTime, this.clock.at(stamp.performanceTime));
    } else {
      const latency = this.context.outputLatency || this.context.baseLatency || 0;
      this.sink.output(this.context.currentTime - latency, this.clock.now());
    }
  }
}
