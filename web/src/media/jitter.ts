// How late media arrives. For every live unit the delay from capture to the
// last byte is measured. Time is cut into short slots and the worst delay of
// each is kept; playback waits for what is usual among the slots. So lateness
// that comes with every group is waited for, and a single interruption is not:
// it costs one hiccup instead of seconds of latency.

/** The length of a slot (ms): short enough that a late key frame every two seconds shows in one of four. */
const SLOT_MS = 500;
/** Slots kept: what is older is forgotten. */
const SLOTS = 16;
/** The share of the slots that shall be in time altogether. */
const QUANTILE = 0.9;
/** How often (ms) the figures are computed again. */
const REFRESH_MS = 100;
/** Delays measured before anything is said. */
const MIN_SAMPLES = 5;

interface Slot {
  readonly start: number;
  worst: number;
  best: number;
}

/** All times in milliseconds. Not thread safe. */
export class JitterEstimator {
  private slots: Slot[] = [];
  private samples = 0;
  private refreshedAt = -Infinity;
  private usual: number | undefined;
  private least: number | undefined;

  /** A unit captured at `captured` was ready at `ready`, both wall-clock. */
  add(captured: number, ready: number): void {
    const delay = ready - captured;
    const slot = this.slots[this.slots.length - 1];
    this.samples++;
    if (slot === undefined || ready - slot.start >= SLOT_MS || ready < slot.start) {
      this.slots.push({ start: ready, worst: delay, best: delay });
      if (this.slots.length > SLOTS) this.slots.shift();
      return;
    }
    slot.worst = Math.max(slot.worst, delay);
    slot.best = Math.min(slot.best, delay);
  }

  /** The delay within which media usually comes; undefined until known. */
  needed(now: number): number | undefined {
    this.refresh(now);
    return this.usual;
  }

  /** The shortest recent delay: negative when the clocks of sender and viewer differ. */
  base(now: number): number | undefined {
    this.refresh(now);
    return this.least;
  }

  /** The difference of the two: what the network adds and takes away. */
  jitter(now: number): number | undefined {
    this.refresh(now);
    return this.usual === undefined || this.least === undefined ? undefined : this.usual - this.least;
  }

  /** Forgets the past, for a new connection. */
  reset(): void {
    this.slots = [];
    this.samples = 0;
    this.usual = undefined;
    this.least = undefined;
    this.refreshedAt = -Infinity;
  }

  private refresh(now: number): void {
    if (now - this.refreshedAt < REFRESH_MS && now >= this.refreshedAt) return;
    this.refreshedAt = now;
    if (this.samples < MIN_SAMPLES) return;
    const worst = this.slots.map((s) => s.worst).sort((a, b) => a - b);
    this.usual = worst[Math.floor((worst.length - 1) * QUANTILE)];
    this.least = Math.min(...this.slots.map((s) => s.best));
  }
}
