// Timestamps that are not wall-clock time. A publisher may number its media
// from any zero (loc §Timescale); then nobody knows when it was captured, and
// the first unit counts as captured when it arrived. Audio and video share the
// zero, so they stay together.

import type { MediaUnit } from "./loc.ts";

/** One per broadcast; not thread safe. */
export class Timeline {
  private offset: number | undefined;

  /** The unit with its time as wall-clock microseconds; arrived in wall-clock ms. */
  place(unit: MediaUnit, arrived: number): MediaUnit {
    if (unit.wallClock) return unit;
    this.offset ??= Math.round(arrived * 1000) - unit.timestamp;
    return { ...unit, timestamp: unit.timestamp + this.offset, wallClock: true };
  }

  /** The next unit sets the zero again. */
  reset(): void {
    this.offset = undefined;
  }
}
