// The numbers of the overlay and of getStats(). They are measured where things
// happen: a picture's latency is taken when it is painted.

import type { StartupTimes } from "./startup.ts";

/** What a player tells about itself. Milliseconds, pixels, bits per second; NaN where unknown. */
export interface PlayerStats extends StartupTimes {
  /** Capture to screen: the mean age of the picture over the last second; grows while it is frozen. */
  latencyMs: number;
  /** Capture to loudspeaker. */
  audioLatencyMs: number;
  /** The latency that playback tends to at present. */
  targetMs: number;
  /** Media received and not yet shown. */
  bufferMs: number;
  /** What the network adds and takes away. */
  jitterMs: number;
  width: number;
  height: number;
  /** Pictures painted per second. */
  fps: number;
  /** Of video and audio payload as received. */
  bitrate: number;
  droppedFrames: number;
  decodedFrames: number;
  paintedFrames: number;
  stalls: number;
  /** Times the sound broke off for want of data. */
  audioUnderruns: number;
  /** Groups of video and sound of which everything came; they are judged in order, and one that is incomplete is waited for for some groups. */
  groupsReceived: number;
  /** Groups of which something did not come before they were left, and those left out. */
  groupsLost: number;
  /** Times playback lost its connection and made a new one. */
  reconnects: number;
  rttMs: number;
  playbackRate: number;
  /** Capture time of the picture on screen, microseconds since the Unix epoch; 0 before the first. */
  lastPaintedTimestamp: number;
  videoCodec: string;
  audioCodec: string;
  transport: string;
  /** The clocks of sender and viewer differ: latencies are not to be trusted. */
  clockSkewed: boolean;
}

/** Latency is averaged over this time (ms). */
const LATENCY_WINDOW_MS = 1000;
/** A picture that stays longer than this (ms) is frozen: its present age is the latency. */
const FROZEN_MS = 500;

interface Paint {
  readonly timestamp: number;
  readonly at: number;
}

/** Which picture was on screen when. Wall-clock milliseconds, media microseconds. Not thread safe. */
export class PaintLog {
  private paints: Paint[] = [];

  /** The picture of `timestamp` (µs) was painted at `at`. */
  painted(timestamp: number, at: number): void {
    // After a freeze its age says nothing about the picture that is on screen now.
    const last = this.paints[this.paints.length - 1];
    if (last !== undefined && at - last.at > FROZEN_MS) this.paints = [];
    this.paints.push({ timestamp, at });
    // The newest one from before the window still covers its beginning.
    while ((this.paints[1]?.at ?? Infinity) <= at - LATENCY_WINDOW_MS) this.paints.shift();
  }

  /**
   * The age of what was seen, averaged over the last second, as a camera
   * pointed at the screen would find it; the present age when the picture has
   * not changed for a while. NaN before the first picture.
   */
  latency(now: number): number {
    const last = this.paints[this.paints.length - 1];
    if (last === undefined) return NaN;
    if (now - last.at > FROZEN_MS) return now - last.timestamp / 1000;
    let weighted = 0;
    let total = 0;
    this.paints.forEach((p, i) => {
      const from = Math.max(p.at, now - LATENCY_WINDOW_MS);
      const to = Math.min(this.paints[i + 1]?.at ?? now, now);
      if (to <= from) return;
      weighted += ((from + to) / 2 - p.timestamp / 1000) * (to - from);
      total += to - from;
    });
    return total > 0 ? weighted / total : now - last.timestamp / 1000;
  }

  /** Pictures per second over the last second. */
  fps(now: number): number {
    const recent = this.paints.filter((p) => now - p.at < LATENCY_WINDOW_MS);
    const first = recent[0];
    const last = recent[recent.length - 1];
    if (first === undefined || last === undefined || last.at === first.at) return 0;
    // Frozen pictures bring the figure down, too: count up to now when it has been a while.
    const span = Math.max(last.at - first.at, now - last.at > FROZEN_MS ? now - first.at : 0);
    return ((recent.length - 1) / span) * 1000;
  }

  /** The picture on screen. */
  get last(): Paint | undefined {
    return this.paints[this.paints.length - 1];
  }

  clear(): void {
    this.paints = [];
  }
}

/** Bits per second over a sliding window. Not thread safe. */
export class RateMeter {
  private entries: { at: number; bytes: number }[] = [];

  /** windowMs: 0 means 2000. */
  constructor(private readonly windowMs = 2000) {}

  add(bytes: number, at: number): void {
    this.entries.push({ at, bytes });
  }

  bitsPerSecond(now: number): number {
    this.entries = this.entries.filter((e) => now - e.at < this.windowMs);
    const first = this.entries[0];
    if (first === undefined) return 0;
    const bytes = this.entries.reduce((sum, e) => sum + e.bytes, 0);
    const span = Math.max(500, Math.min(this.windowMs, now - first.at));
    return (bytes * 8 * 1000) / span;
  }
}

/** A picture must be overdue by this much (ms) to count as a stall. */
const STALL_MS = 500;

/** Counts the times when playback should have moved and did not. Not thread safe. */
export class StallMeter {
  private movedAt: number | undefined;
  private stalledNow = false;
  private total = 0;

  /** Something new was shown (or, without video, heard) at `at`. */
  moved(at: number): void {
    this.movedAt = at;
    this.stalledNow = false;
  }

  /** Looks at `now`; frameMs: the usual time between pictures. Returns whether playback is stalled. */
  check(now: number, frameMs: number): boolean {
    if (this.movedAt !== undefined && !this.stalledNow && now - this.movedAt > Math.max(STALL_MS, 3 * frameMs)) {
      this.stalledNow = true;
      this.total++;
    }
    return this.stalledNow;
  }

  /** Standing still is intended from now on, until something moves again. */
  rest(): void {
    this.movedAt = undefined;
    this.stalledNow = false;
  }

  get stalls(): number {
    return this.total;
  }
}
