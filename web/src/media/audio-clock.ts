// Which media time is being heard now. Three clocks meet here: the worklet
// knows which media time it rendered at which context time, the page knows
// when a context time leaves the loudspeaker, and the player asks in wall-clock
// time.

import type { AudioPosition } from "./audio-ring.ts";

/** A report of the worklet older than this (ms) says nothing any more. */
const POSITION_VALID_MS = 600;
/** Reports reach the player within this time (ms). */
const IN_FLIGHT_MS = 150;
/** A mapping of context time older than this (ms) says nothing any more. */
const OUTPUT_VALID_MS = 3000;
/** Share of a new mapping that is taken over: readings jitter by a buffer. */
const SMOOTHING = 0.2;
/** A mapping this far (ms) from the old one is not jitter: the device changed. */
const JUMP_MS = 100;

/** Times in wall-clock milliseconds where not said otherwise. Not thread safe. */
export class AudioClock {
  private position: AudioPosition | undefined;
  private positionAt = -Infinity;
  /** Wall-clock ms of context time 0. */
  private origin: number | undefined;
  private originAt = -Infinity;
  private deafUntil = -Infinity;
  private ahead = 0;

  /** The worklet's report, received at `now`. */
  report(position: AudioPosition, now: number): void {
    if (now < this.deafUntil) return;
    this.position = position;
    this.positionAt = now;
    if (this.origin !== undefined) {
      const ahead = position.contextTime * 1000 + this.origin - now;
      this.ahead = Math.max(ahead, this.ahead + (ahead - this.ahead) * SMOOTHING, 0);
    }
  }

  /**
   * How long (ms) before it is heard a sample must be there: the browser
   * renders ahead of the loudspeaker by its buffers.
   */
  get renderAhead(): number {
    return this.ahead;
  }

  /** Playback jumps at `now`: reports from before the jump are still on their way. */
  jump(now: number): void {
    this.position = undefined;
    this.deafUntil = now + IN_FLIGHT_MS;
  }

  /** The sample of contextTime (s) leaves the loudspeaker at wall-clock `at`. */
  output(contextTime: number, at: number): void {
    const origin = at - contextTime * 1000;
    if (this.origin === undefined || Math.abs(origin - this.origin) > JUMP_MS) this.origin = origin;
    else this.origin += (origin - this.origin) * SMOOTHING;
    this.originAt = at;
  }

  /** Milliseconds from capture to hearing at `now`; undefined while no sound plays. */
  lagAt(now: number): number | undefined {
    const p = this.position;
    if (p === undefined || !p.running || this.origin === undefined) return undefined;
    if (now - this.positionAt > POSITION_VALID_MS || now - this.originAt > OUTPUT_VALID_MS) return undefined;
    const heard = p.timestamp / 1000 + (now - this.origin - p.contextTime * 1000) * p.rate;
    return now - heard;
  }

  /** The context time (s) whose sample is heard at wall-clock `at`; undefined until known. */
  contextTimeAt(at: number): number | undefined {
    return this.origin === undefined ? undefined : (at - this.origin) / 1000;
  }

  /** The last report, or undefined when there is none that counts. */
  current(now: number): AudioPosition | undefined {
    return now - this.positionAt > POSITION_VALID_MS ? undefined : this.position;
  }

  /** Forgets everything: the sound was switched off. */
  reset(): void {
    this.position = undefined;
    this.positionAt = -Infinity;
    this.origin = undefined;
    this.originAt = -Infinity;
    this.ahead = 0;
  }
}
