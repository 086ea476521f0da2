// When a broadcast that is joined reached what comes before its first picture:
// which step of the start takes how long.

/** The steps, in the order in which they come. */
export type Step = "connected" | "cataloged" | "received" | "painted";

/** Milliseconds from play(); NaN: not reached yet. */
export interface StartupTimes {
  /** There is a session with the relay. */
  readonly connectedMs: number;
  /** It is known which tracks to play. */
  readonly catalogedMs: number;
  /** The first object of the video is here; of the sound, without video. */
  readonly receivedMs: number;
  /** The first picture is painted. */
  readonly paintedMs: number;
}

/** Times in milliseconds of any one clock. */
export class Startup {
  private began = NaN;
  private readonly at = new Map<Step, number>();

  begin(now: number): void {
    this.began = now;
    this.at.clear();
  }

  /** The first time counts. */
  reached(step: Step, now: number): void {
    if (!this.at.has(step)) this.at.set(step, now - this.began);
  }

  get times(): StartupTimes {
    const of = (step: Step): number => this.at.get(step) ?? NaN;
    return { connectedMs: of("connected"), catalogedMs: of("cataloged"), receivedMs: of("received"), paintedMs: of("painted") };
  }
}
