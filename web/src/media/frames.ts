// Decoded pictures waiting for their time.

/** What the queue needs of a VideoFrame; close() gives its memory back. */
export interface Picture {
  /** Microseconds. */
  readonly timestamp: number;
  close(): void;
}

/** While catching up, show a picture at least this often (ms). */
const CATCH_UP_PAINT_MS = 400;
/** A picture is late beyond this (ms); while more are coming it is not worth painting. */
const LATE_MS = 200;
/** A picture this close (ms) to its time is shown now: the next chance is a refresh away. */
const EARLY_MS = 8;

/** A picture older than the one shown is late, unless by so much (ms) that the sender's clock was set back. */
const CLOCK_SET_BACK_MS = 1000;

/** Owns the pictures pushed to it until they are handed out or closed. Not thread safe. */
export class FrameQueue<P extends Picture> {
  private readonly waiting: P[] = [];
  private shownTimestamp = -Infinity;
  private shownAt = -Infinity;
  private dropped = 0;
  /** Until playback has caught up with the live edge; what is passed over on the way is not lost. */
  private joining = true;

  /** Takes ownership of a decoded picture. */
  push(picture: P): void {
    let at = this.waiting.length;
    while (at > 0 && (this.waiting[at - 1]?.timestamp ?? 0) > picture.timestamp) at--;
    this.waiting.splice(at, 0, picture);
  }

  /**
   * The picture to paint at wall-clock `now` (ms) when media time `mediaNow`
   * (µs) is due; the caller owns and closes it. Undefined: what is on screen
   * stays. moreComing: the decoder is working on pictures that are due, too.
   */
  due(now: number, mediaNow: number, moreComing: boolean): P | undefined {
    let chosen: P | undefined;
    // The first picture is shown whatever its time: something beats nothing.
    const first = this.shownTimestamp === -Infinity ? this.waiting.shift() : undefined;
    if (first !== undefined) chosen = first;
    else {
      while ((this.waiting[0]?.timestamp ?? Infinity) <= mediaNow + EARLY_MS * 1000) {
        if (chosen !== undefined) this.drop(chosen);
        chosen = this.waiting.shift();
      }
    }
    if (chosen === undefined) return undefined;
    const back = this.shownTimestamp - chosen.timestamp;
    if (first === undefined && back >= 0 && back < CLOCK_SET_BACK_MS * 1000) {
      this.drop(chosen);
      return undefined;
    }
    const late = mediaNow - chosen.timestamp > LATE_MS * 1000;
    if (first === undefined && late && moreComing && now - this.shownAt < CATCH_UP_PAINT_MS) {
      this.drop(chosen);
      return undefined;
    }
    if (first === undefined && !late) this.joining = false;
    this.shownTimestamp = chosen.timestamp;
    this.shownAt = now;
    return chosen;
  }

  /** Closes what waits. Playback may begin at any time after that. */
  clear(): void {
    for (const p of this.waiting) p.close();
    this.waiting.length = 0;
    this.shownTimestamp = -Infinity;
    this.joining = true;
  }

  /** Pictures waiting. */
  get length(): number {
    return this.waiting.length;
  }

  /** The latest picture waiting, microseconds. */
  get newestTimestamp(): number | undefined {
    return this.waiting[this.waiting.length - 1]?.timestamp;
  }

  /** Decoded pictures never painted since the last call. */
  takeDropped(): number {
    const n = this.dropped;
    this.dropped = 0;
    return n;
  }

  private drop(p: P): void {
    p.close();
    if (!this.joining) this.dropped++;
  }
}
