// Clocks that a picture carries: rows of black and white cells, written by the
// sender and read back from the pixels that a viewer sees. All is arithmetic
// here; encoder.ts draws, viewer.ts samples.

import { cellsTime, TIME_CELLS } from "../../src/ui/test-pattern.ts";

/** Where the row of cells is, in pixels of a picture of width x height; the cells lie side by side. */
export interface Row {
  readonly width: number;
  readonly height: number;
  readonly x: number;
  readonly y: number;
  readonly cellWidth: number;
  readonly cellHeight: number;
  readonly cells: number;
}

/** A clock: where its cells are, and what they say; undefined when they are not one. */
export interface Clock {
  readonly row: Row;
  /** cells: true is white. now: ms since the Unix epoch, for clocks that wrap. */
  read(cells: readonly boolean[], now: number): number | undefined;
}

/** Least difference of the mean brightness of black and white cells. */
const MIN_CONTRAST = 80;
/** Room between the levels of black and of white in which a cell is neither. */
const MIN_MARGIN = 0.15;

/**
 * Cells from brightness levels (0..255), judged by a cell known to be white and
 * one known to be black. Undefined when there is no contrast or a cell is grey.
 */
export function cellsOf(levels: readonly number[], white: number, black: number): boolean[] | undefined {
  const high = levels[white];
  const low = levels[black];
  if (high === undefined || low === undefined || high - low < MIN_CONTRAST) return undefined;
  const cells: boolean[] = [];
  for (const level of levels) {
    const share = (level - low) / (high - low);
    if (Math.abs(share - 0.5) < MIN_MARGIN) return undefined;
    cells.push(share > 0.5);
  }
  return cells;
}

/** The time that brightness levels (0..255) tell; undefined when they tell none. */
export function readClock(clock: Clock, levels: readonly number[], now: number): number | undefined {
  const cells = cellsOf(levels, 0, 1);
  return cells === undefined ? undefined : clock.read(cells, now);
}

/** A number as Gray code, highest bit first. Up to 2^52: beyond 32 bits there are no bit operators. */
export function grayBits(n: number, bits: number): boolean[] {
  return Array.from({ length: bits }, (_, i) => {
    const unit = 2 ** (bits - 1 - i);
    return (Math.floor(n / unit) + Math.floor(n / (unit * 2))) % 2 === 1;
  });
}

/** The number of a Gray code, highest bit first. */
export function grayNumber(bits: readonly boolean[]): number {
  let n = 0;
  let bit = false;
  for (const g of bits) {
    bit = bit !== g;
    n = n * 2 + (bit ? 1 : 0);
  }
  return n;
}

/** Bits of the encoder's clock: milliseconds that wrap after three days. */
export const ENCODER_BITS = 28;
const ENCODER_WRAP = 2 ** ENCODER_BITS;

/** Cells of the encoder's clock for a time in ms: white, black, Gray code, parity, white. */
export function encoderCells(unixMs: number): boolean[] {
  const gray = grayBits(unixMs % ENCODER_WRAP, ENCODER_BITS);
  return [true, false, ...gray, gray.filter(Boolean).length % 2 === 1, true];
}

/** The clock that encoder.ts burns into its test picture. */
export const encoderClock: Clock = {
  row: { width: 640, height: 360, x: 0, y: 0, cellWidth: 20, cellHeight: 32, cells: ENCODER_BITS + 4 },
  read(cells, now) {
    if (cells.length !== this.row.cells || cells[0] !== true || cells[1] !== false || cells[cells.length - 1] !== true) return undefined;
    const gray = cells.slice(2, 2 + ENCODER_BITS);
    if ((gray.filter(Boolean).length % 2 === 1) !== cells[2 + ENCODER_BITS]) return undefined;
    return nearest(grayNumber(gray), ENCODER_WRAP, now);
  },
};

/** A time that is not within this of now (ms) was misread: this clock has no parity. */
const PATTERN_PLAUSIBLE_MS = 120_000;

/** The clock in the test pattern of the publish page. */
export const patternClock: Clock = {
  row: { width: 1280, height: 720, x: 0, y: 680, cellWidth: 1280 / TIME_CELLS, cellHeight: 40, cells: TIME_CELLS },
  read(cells, now) {
    const time = cellsTime(cells);
    return time !== undefined && Math.abs(time - now) < PATTERN_PLAUSIBLE_MS ? time : undefined;
  },
};

/** Frames of the demo's clip, and how many of them are a second. */
const CLIP_FRAMES = 300;
const CLIP_FPS = 30;

/** The clock in the demo's clip, whose loop is aligned to UTC: cmd/moqedge/demo/make-clip.sh describes it. */
export const clipClock: Clock = {
  row: { width: 640, height: 360, x: 64, y: 16, cellWidth: 32, cellHeight: 32, cells: 16 },
  read(cells, now) {
    const frame = grayNumber(cells.slice(2));
    if (cells.length !== this.row.cells || cells[0] !== true || cells[1] !== false || frame >= CLIP_FRAMES) return undefined;
    return nearest((frame * 1000) / CLIP_FPS, (CLIP_FRAMES * 1000) / CLIP_FPS, now);
  },
};

/** The time nearest to now that is `rest` modulo `wrap`. */
function nearest(rest: number, wrap: number, now: number): number {
  const base = Math.floor(now / wrap) * wrap + rest;
  return [base - wrap, base, base + wrap].reduce((a, b) => (Math.abs(b - now) < Math.abs(a - now) ? b : a));
}
