// What is asserted of playback, as functions from samples to numbers and
// reasons. The negative controls put frozen and muted senders through the same
// functions.

/** One look at a player. Times are ms since the Unix epoch. */
export interface Sample {
  /** Before and after the pixels were taken. */
  readonly before: number;
  readonly after: number;
  /** The clock in the picture; undefined when it could not be read. */
  readonly clock: number | undefined;
  /** The overlay's figure at the same moment, ms; NaN when it has none. */
  readonly overlay: number;
  /** When the picture was captured, as the sender's timestamp says, ms since the Unix epoch; NaN: not known. */
  readonly timestamp: number;
}

/** A spectrum of what is heard, boiled down. Hz, and dB relative to full scale. */
export interface Spectrum {
  readonly peakHz: number;
  readonly peak: number;
  /** The median of all bins. */
  readonly noise: number;
  /** The speed of playback at that moment: a player that catches up plays higher tones. */
  readonly rate: number;
}

/** Numbers about a row of samples. Milliseconds. */
export interface Picture {
  readonly samples: number;
  readonly readable: number;
  /** Different times seen. */
  readonly distinct: number;
  /** The longest time for which the picture stood still. */
  readonly longestFreeze: number;
  /** Times the clock in the picture went back. */
  readonly backwards: number;
  /** Now minus the clock in the picture, when the pixels were in hand. */
  readonly median: number;
  readonly p95: number;
  readonly worst: number;
}

export function describePicture(samples: readonly Sample[]): Picture {
  const read = samples.filter((s): s is Sample & { clock: number } => s.clock !== undefined);
  const latencies = read.map((s) => s.after - s.clock);
  let longestFreeze = 0;
  let backwards = 0;
  let since = read[0];
  for (const s of read) {
    if (since === undefined) break;
    if (s.clock < since.clock) backwards++;
    if (s.clock !== since.clock) since = s;
    longestFreeze = Math.max(longestFreeze, s.after - since.after);
  }
  return {
    samples: samples.length,
    readable: read.length,
    distinct: new Set(read.map((s) => s.clock)).size,
    longestFreeze,
    backwards,
    median: percentile(latencies, 0.5),
    p95: percentile(latencies, 0.95),
    worst: percentile(latencies, 1),
  };
}

/** Samples that show a moving picture differ this often. */
const MOVING_SHARE = 0.6;
/** Samples in which the clock can be read. */
const READABLE_SHARE = 0.9;
/** A picture may stand still this long (ms) on a machine that is busy. */
const MAX_FREEZE_MS = 1000;

/** Why the picture does not count as moving; "" when it moves. */
export function notMoving(samples: readonly Sample[]): string {
  const p = describePicture(samples);
  if (p.samples === 0 || p.readable < p.samples * READABLE_SHARE) return `the clock was readable in ${p.readable} of ${p.samples} samples`;
  if (p.distinct < p.samples * MOVING_SHARE) return `${p.distinct} different pictures in ${p.samples} samples`;
  if (p.longestFreeze > MAX_FREEZE_MS) return `the picture stood still for ${Math.round(p.longestFreeze)} ms`;
  if (p.backwards > 0) return `time in the picture went back ${p.backwards} times`;
  return "";
}

/** Why the latency read from the pixels is too high; "" when it is not. limit: of the 95th percentile, ms. */
export function tooLate(samples: readonly Sample[], limit: number): string {
  const p = describePicture(samples);
  if (p.readable < 20) return `the clock was readable in only ${p.readable} samples`;
  if (!(p.p95 < limit)) return `95th percentile of the latency ${Math.round(p.p95)} ms, median ${Math.round(p.median)} ms`;
  return "";
}

/** Differences of overlay and pixels, ms. */
export interface Agreement {
  /** Median of the overlay minus median of the pixels. */
  readonly medians: number;
  /** 90th percentile of the absolute differences within samples. */
  readonly p90: number;
  /** Median of the timestamp minus the clock in the picture: what ingest is wrong by. */
  readonly timestamps: number;
}

/** Compares at the middle of the time that taking the pixels took. */
export function agreement(samples: readonly Sample[]): Agreement {
  const both = samples.filter((s): s is Sample & { clock: number } => s.clock !== undefined && Number.isFinite(s.overlay));
  const pixels = both.map((s) => (s.before + s.after) / 2 - s.clock);
  return {
    medians: percentile(both.map((s) => s.overlay), 0.5) - percentile(pixels, 0.5),
    p90: percentile(both.map((s, i) => Math.abs(s.overlay - (pixels[i] ?? NaN))), 0.9),
    timestamps: percentile(both.map((s) => s.timestamp - s.clock), 0.5),
  };
}

/** The peak may be this far (Hz) from the tone: bins are 3 Hz wide, and the speed may have changed within the window. */
const TONE_TOLERANCE_HZ = 12;
/** And must stand this far (dB) above the noise, and above this level. */
const TONE_ABOVE_NOISE_DB = 30;
const TONE_MIN_DB = -60;
/** Spectra in which the tone must be. */
const TONE_SHARE = 0.9;

/** Why a tone is not what is heard; "" when it is. */
export function noTone(spectra: readonly Spectrum[], hz: number): string {
  const good = spectra.filter(
    (s) => Math.abs(s.peakHz / s.rate - hz) <= TONE_TOLERANCE_HZ && s.peak > TONE_MIN_DB && !(s.peak - s.noise < TONE_ABOVE_NOISE_DB),
  );
  if (spectra.length > 0 && good.length >= spectra.length * TONE_SHARE) return "";
  const seen = spectra.map((s) => `${Math.round(s.peakHz)} Hz ${Math.round(s.peak)} dB over ${Math.round(s.noise)} dB at speed ${s.rate.toFixed(3)}`);
  return `${hz} Hz in ${good.length} of ${spectra.length} spectra: ${seen.join(", ")}`;
}

/** The smallest value that at least `share` of all values do not exceed; NaN without values. */
export function percentile(values: readonly number[], share: number): number {
  const sorted = [...values].sort((a, b) => a - b);
  return sorted[Math.min(sorted.length - 1, Math.max(0, Math.ceil(share * sorted.length) - 1))] ?? NaN;
}
