// When to show what. Timestamps are wall-clock capture times, so playback is
// described by one number: the lag, milliseconds from capture to display. The
// clock holds the lag at the goal (the wanted latency, or what the network
// needs if that is more), by playing a little faster or slower, and by a jump
// when it is far off. While audio plays, audio is the clock and this follows.

/** Corrections begin beyond this error (ms) and end within the smaller one. */
const CORRECT_ABOVE_MS = 30;
const CORRECT_UNTIL_MS = 8;
/** Slowest and fastest change of speed while correcting. */
const MIN_RATE_CHANGE = 0.02;
const MAX_RATE_CHANGE = 0.1;
/** An error (ms) that is corrected within this time at most is corrected gently. */
const CORRECT_WITHIN_MS = 2500;
/** Beyond this error (ms) playback jumps. */
const RESYNC_ABOVE_MS = 1000;
/** Video follows audio when they are further apart than this (ms). */
const AUDIO_DEAD_BAND_MS = 30;
/** Above this difference (ms) it follows at once, below it glides. */
const AUDIO_SNAP_MS = 250;
/** The share of the difference taken up per second of gliding. */
const AUDIO_GLIDE_PER_S = 4;
/** Room (ms) for the wait until the next repaint, on top of what the network needs. */
const PAINT_MARGIN_MS = 20;
/** Media cannot arrive before it is captured: a delay below this (ms) means the clocks differ. */
const IMPOSSIBLE_DELAY_MS = -20;
/** The most (ms) that playback waits for what comes later than the rest: beyond it, media is given up instead. */
const MAX_JITTER_MS = 1500;
/** A goal that falls does so at this speed (ms per second), so that one calm moment changes nothing. */
const GOAL_FALLS_PER_S = 60;

export interface PlayoutInput {
  /** The delay within which nearly all media is decoded, ms; undefined until measured. */
  readonly needed: number | undefined;
  /** The shortest measured delay, ms. */
  readonly base: number | undefined;
  /** The lag of the audio being heard, ms; undefined while no audio plays. */
  readonly audioLag: number | undefined;
}

/** All times in wall-clock milliseconds, media times in microseconds. Not thread safe. */
export class PlayoutClock {
  private lag: number;
  private at: number | undefined;
  private speed = 1;
  private correcting = false;
  private goal: number;
  private skewed = false;
  /** The target is new: the goal follows at once. */
  private wished = false;

  /** target: the wanted milliseconds from capture to display. */
  constructor(private target: number) {
    this.lag = target;
    this.goal = target;
  }

  /** Changes the wanted latency; playback gets there by itself. */
  setTarget(target: number): void {
    this.target = target;
    this.wished = true;
  }

  /** Begins anew at the goal, after a pause or a long silence. */
  restart(now: number): void {
    this.at = now;
    this.lag = this.goal;
    this.speed = 1;
    this.correcting = false;
  }

  /**
   * Moves the clock to `now`. Returns true when playback jumped, so that
   * audio queued for the old time must go.
   */
  update(now: number, input: PlayoutInput): boolean {
    const elapsed = this.at === undefined ? 0 : Math.max(0, now - this.at);
    this.lag = this.lagAt(now);
    this.at = now;
    this.updateGoal(elapsed, input);
    if (input.audioLag !== undefined) this.follow(input.audioLag, elapsed);
    return this.correct(input.audioLag ?? this.lag);
  }

  /** The capture time, in microseconds, of what is to be seen at `now`. */
  mediaAt(now: number): number {
    return (now - this.lagAt(now)) * 1000;
  }

  /** The lag at `now`, in milliseconds. */
  lagAt(now: number): number {
    return this.at === undefined ? this.lag : this.lag - (this.speed - 1) * Math.max(0, now - this.at);
  }

  /** The speed of playback; audio is resampled by it. */
  get rate(): number {
    return this.speed;
  }

  /** The lag that playback tends to, in milliseconds. */
  get goalLag(): number {
    return this.goal;
  }

  /** The clocks of sender and viewer differ visibly: latency figures mean little. */
  get clockSkewed(): boolean {
    return this.skewed;
  }

  private updateGoal(elapsed: number, input: PlayoutInput): void {
    let goal = this.target;
    this.skewed = input.base !== undefined && input.base < IMPOSSIBLE_DELAY_MS;
    if (this.skewed && input.base !== undefined) goal = input.base + this.target;
    if (input.needed !== undefined) {
      const needed = Math.min(input.needed, (input.base ?? input.needed) + MAX_JITTER_MS);
      goal = Math.max(goal, needed + PAINT_MARGIN_MS);
    }
    if (goal >= this.goal || this.skewed || this.wished) this.goal = goal;
    else this.goal = Math.max(goal, this.goal - (elapsed / 1000) * GOAL_FALLS_PER_S);
    this.wished = false;
  }

  private follow(audioLag: number, elapsed: number): void {
    const difference = audioLag - this.lag;
    if (Math.abs(difference) <= AUDIO_DEAD_BAND_MS) return;
    if (Math.abs(difference) > AUDIO_SNAP_MS) this.lag = audioLag;
    else this.lag += difference * Math.min(1, (elapsed / 1000) * AUDIO_GLIDE_PER_S);
  }

  private correct(lag: number): boolean {
    const error = lag - this.goal;
    const size = Math.abs(error);
    if (size > RESYNC_ABOVE_MS) {
      this.lag = this.goal;
      this.speed = 1;
      this.correcting = false;
      return true;
    }
    if (size > CORRECT_ABOVE_MS) this.correcting = true;
    else if (size < CORRECT_UNTIL_MS) this.correcting = false;
    if (!this.correcting) this.speed = 1;
    else {
      const change = Math.min(MAX_RATE_CHANGE, Math.max(MIN_RATE_CHANGE, size / CORRECT_WITHIN_MS));
      this.speed = error > 0 ? 1 + change : 1 - change;
    }
    return false;
  }
}
