// Wall-clock time with sub-millisecond steps. performance.now() is fine but
// does not follow corrections of the system clock; Date.now() does, in whole
// milliseconds. The latency shown is a difference of wall clocks, so both are
// needed.

/** Corrections smaller than this (ms) are rounding of Date.now(). */
const TOLERANCE_MS = 2;
/** How often (ms) the system clock is looked at. */
const CHECK_EVERY_MS = 1000;

export interface ClockSource {
  /** Milliseconds since the Unix epoch, whole. */
  date(): number;
  /** Monotonic milliseconds. */
  performance(): number;
  /** performance() 0 as milliseconds since the Unix epoch. */
  readonly timeOrigin: number;
}

/** A clock of one thread. */
export class WallClock {
  private offset: number;
  private checkedAt = -Infinity;

  constructor(private readonly source: ClockSource) {
    this.offset = source.timeOrigin;
  }

  /** Milliseconds since the Unix epoch. */
  now(): number {
    return this.at(this.source.performance());
  }

  /** The wall-clock time of a performance.now() reading of this thread. */
  at(performanceNow: number): number {
    if (performanceNow - this.checkedAt >= CHECK_EVERY_MS) {
      this.checkedAt = performanceNow;
      const error = this.source.date() + 0.5 - (this.source.performance() + this.offset);
      if (Math.abs(error) > TOLERANCE_MS) this.offset += error;
    }
    return performanceNow + this.offset;
  }
}

/** The clock of the thread this runs in. */
export function threadClock(): WallClock {
  return new WallClock({
    date: () => Date.now(),
    performance: () => performance.now(),
    timeOrigin: performance.timeOrigin,
  });
}
