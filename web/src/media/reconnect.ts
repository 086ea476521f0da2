// When to try again. Backoff counts attempts of one purpose (to reach the
// relay) and says how long to wait before the next: short at first, longer
// with each failure, and different for every viewer, so that a relay that
// comes back is not met by all of them at once.

export interface BackoffOptions {
  /** Milliseconds before the first retry; 0: 250. */
  readonly first?: number;
  /** Milliseconds between retries at most; 0: 3000. */
  readonly most?: number;
  /** A number in [0, 1): Math.random in a browser. */
  readonly random: () => number;
}

/** Success must last this long (ms) before failures are forgotten. */
const STABLE_MS = 5000;

/** Times in milliseconds of any one clock. Not thread safe. */
export class Backoff {
  private failures = 0;
  private startedAt = 0;
  private succeededAt: number | undefined;
  private readonly first: number;
  private readonly most: number;
  private readonly random: () => number;

  constructor(options: BackoffOptions) {
    this.first = options.first || 250;
    this.most = options.most || 3000;
    this.random = options.random;
  }

  /** An attempt begins at `now`. */
  start(now: number): void {
    this.startedAt = now;
    this.succeededAt = undefined;
  }

  /** The attempt succeeded at `now`. */
  succeed(now: number): void {
    this.succeededAt = now;
  }

  /**
   * The attempt, or what it had achieved, failed at `now`. Returns the
   * milliseconds to wait. The pause is counted from the start of the attempt:
   * one that hung has waited already.
   */
  fail(now: number): number {
    if (this.succeededAt !== undefined && now - this.succeededAt >= STABLE_MS) this.failures = 0;
    const span = Math.min(this.most, this.first * 2 ** this.failures);
    this.failures = Math.min(this.failures + 1, 20);
    const pause = span * (0.5 + this.random() / 2);
    const waited = this.succeededAt === undefined ? now - this.startedAt : 0;
    return Math.max(this.first / 2, pause - waited);
  }

  /** Failures in a row. */
  get count(): number {
    return this.failures;
  }

  /** Forgets the failures: there is reason to expect success now. */
  reset(): void {
    this.failures = 0;
  }
}
