// Time as the media code uses it, so that tests can run it faster.

export interface Timers {
  /** Milliseconds, monotonic. */
  now(): number;
  /** Calls `run` once after `delay` ms; the result is for clear(). */
  set(run: () => void, delay: number): unknown;
  /** Cancels a timer; does nothing for one that ran, and for undefined. */
  clear(timer: unknown): void;
}

/** The timers of the thread this runs in. */
export function threadTimers(): Timers {
  return {
    now: () => performance.now(),
    set: (run, delay) => setTimeout(run, delay),
    clear: (timer) => clearTimeout(timer as number | undefined),
  };
}
