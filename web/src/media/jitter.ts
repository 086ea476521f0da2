// How late media arrives. For every live unit the delay from capture to the
// last byte is measured; a high quantile of the recent delays is what playback
// has to wait for, the minimum is the way itself.

/** Delays older than this (ms) are forgotten. */
const WINDOW_MS = 8000;
/** The share of units that shall be in time. */
const QUANTILE = 0.98;
/** How often (ms) the quantile is computed again; a rising delay counts at once. */
const REFRESH_MS = 200;
/** Samples kept at most, whatever the frame rate. */
const MAX_SAMPLES = 2048;
/** Fewer samples than this say nothing about a quantile. */
const MIN_SAMPLES = 5;

interface Sample {
  readonly at: number;
  readonly delay: number;
}

/** All times in milliseconds. Not thread safe. */
export class JitterEstimator {
  private samples: Sample[] = [];
  private refreshedAt = -Infinity;
  private quantile: number | undefined;
  private minimum: number | undefined;

  /** A unit captured at `captured` was ready at `ready`, both wall-clock. */
  add(captured: number, ready: number): void {
    this.samples.push({ at: ready, delay: ready - captured });
    if (this.samples.length > MAX_SAMPLES) this.samples.splice(0, MAX_SAMPLES / 4);
  }

  /** The delay within which nearly all recent units came; undefined until known. */
  needed(now: number): number | undefined {
    this.refresh(now);
    return this.quantile;
  }

  /** The shortest recent delay: negative when the clocks of sender and viewer differ. */
  base(now: number): number | undefined {
    this.refresh(now);
    return this.minimum;
  }

  /** The difference of the two: what the network adds and takes away. */
  jitter(now: number): number | undefined {
    this.refresh(now);
    return this.quantile === undefined || this.minimum === undefined ? undefined : this.quantile - this.minimum;
  }

  /** Forgets the past, for a new connection. */
  reset(): void {
    this.samples = [];
    this.quantile = undefined;
    this.minimum = undefined;
    this.refreshedAt = -Infinity;
  }

  private refresh(now: number): void {
    if (now - this.refreshedAt < REFRESH_MS) return;
    this.refreshedAt = now;
    this.samples = this.samples.filter((s) => now - s.at <= WINDOW_MS);
    // With no news the last estimate stays: silence is not a fast network.
    if (this.samples.length < MIN_SAMPLES) return;
    const delays = this.samples.map((s) => s.delay).sort((a, b) => a - b);
    this.minimum = delays[0];
    this.quantile = delays[Math.min(delays.length - 1, Math.floor(delays.length * QUANTILE))];
  }
}
