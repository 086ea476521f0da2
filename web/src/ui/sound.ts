// Whether the player is to be heard, and what the browser lets it do about it.
// Browsers refuse sound before a gesture; then the player goes on silently and
// offers a button.

import { AudioOutput, type AudioOutputSink } from "./audio-output.ts";

/** One per player; close() it. */
export class Sound {
  private output: AudioOutput | undefined;
  private opening: Promise<AudioOutput> | undefined;
  private level = 1;
  private silent = false;
  private waiting = false;
  private failure = "";

  /** changed: something visible changed, such as `blocked`. */
  constructor(
    private readonly worklet: URL,
    private readonly sink: Omit<AudioOutputSink, "changed">,
    private readonly changed: () => void,
  ) {}

  get muted(): boolean {
    return this.silent;
  }

  set muted(on: boolean) {
    this.silent = on;
    if (on) this.waiting = false;
    this.applyGain();
  }

  /** 0 to 1. */
  get volume(): number {
    return this.level;
  }

  set volume(v: number) {
    this.level = v;
    this.applyGain();
  }

  /** The browser wants a gesture before it lets sound through. */
  get blocked(): boolean {
    return this.waiting && this.output?.running !== true;
  }

  /** Why there is no sound at all; "" when there is nothing wrong. */
  get error(): string {
    return this.failure;
  }

  /** Where the sound can be listened to; null before there is any. */
  get node(): AudioNode | null {
    return this.output?.node ?? null;
  }

  /** Makes sound come out, unless muted: then nothing is even built. */
  async start(): Promise<void> {
    if (this.silent && this.output === undefined) return;
    try {
      this.opening ??= AudioOutput.open(this.worklet, { ...this.sink, changed: () => this.changed() });
      this.output = await this.opening;
    } catch (e) {
      this.opening = undefined;
      this.failure = `No sound: ${e instanceof Error ? e.message : "the browser refused"}.`;
      this.changed();
      return;
    }
    this.applyGain();
    this.waiting = !(await this.output.resume()) && !this.silent;
    this.changed();
  }

  /** Silence while paused. */
  pause(): void {
    this.output?.suspend();
  }

  /** Gives everything back. */
  close(): void {
    const opening = this.opening;
    this.opening = undefined;
    this.output = undefined;
    // A failure to open was reported where it happened.
    opening?.then((o) => o.close()).catch(() => undefined);
  }

  private applyGain(): void {
    // Loudness is perceived roughly as the cube of amplitude.
    this.output?.setGain(this.silent ? 0 : this.level ** 3);
  }
}
