import assert from "node:assert/strict";
import { test } from "node:test";
import { timeCells } from "../../src/ui/test-pattern.ts";
import { cellsOf, clipClock, encoderCells, encoderClock, grayBits, grayNumber, patternClock, readClock, type Clock } from "./clock.ts";

const NOW = 1_795_388_713_047;

/** Levels as a lossy picture has them. */
const levels = (cells: readonly boolean[]): number[] => cells.map((white, i) => (white ? 225 : 20) + ((i * 7) % 11));

const frameCells = (n: number): boolean[] => [true, false, ...grayBits(n, 14)];

test("Gray codes of neighbours differ in one bit, and are read back", () => {
  for (const n of [0, 1, 2, 3, 127, 128, 299, 2 ** 27, 2 ** 28 - 2]) {
    const [a, b] = [grayBits(n, 28), grayBits(n + 1, 28)];
    assert.equal(a.filter((bit, i) => bit !== b[i]).length, 1);
    assert.equal(grayNumber(a), n);
  }
});

const clocks: readonly [string, Clock, readonly boolean[], number | undefined][] = [
  ["encoder", encoderClock, encoderCells(NOW - 400), NOW - 400],
  ["encoder, one cell misread", encoderClock, encoderCells(NOW).map((c, i) => (i === 20 ? !c : c)), undefined],
  ["encoder, one cell missing", encoderClock, encoderCells(NOW).slice(1), undefined],
  ["test pattern", patternClock, timeCells(NOW - 250), NOW - 250],
  ["test pattern, a high bit misread", patternClock, timeCells(NOW).map((c, i) => (i === 10 ? !c : c)), undefined],
  ["test pattern, an end misread", patternClock, timeCells(NOW).map((c, i) => (i === 47 ? !c : c)), undefined],
  // 3047 ms into the ten seconds: frame 91 is 14 ms old, frame 299 was shown 3080 ms ago.
  ["clip", clipClock, frameCells(91), NOW - 47 + (91 / 30 - 3) * 1000],
  ["clip, before the loop", clipClock, frameCells(299), NOW - 3047 - 1000 / 30],
  ["clip, no such frame", clipClock, frameCells(300), undefined],
];

for (const [name, clock, cells, want] of clocks) {
  test(`clock: ${name}`, () => {
    const got = readClock(clock, levels(cells), NOW);
    if (want === undefined) assert.equal(got, undefined);
    else assert.ok(got !== undefined && Math.abs(got - want) < 0.01, `${got} is not ${want}`);
  });
}

test("clock: encoder, wrapped in between", () => {
  const now = 6700 * 2 ** 28 + 300;
  for (const time of [now - 500, now]) assert.equal(readClock(encoderClock, levels(encoderCells(time)), now), time);
});

test("levels without contrast, or neither black nor white, are no cells", () => {
  assert.equal(cellsOf([100, 90, 95], 0, 1), undefined);
  assert.equal(cellsOf([230, 20, 125], 0, 1), undefined);
  assert.equal(cellsOf([], 0, 1), undefined);
  assert.deepEqual(cellsOf([230, 20, 200, 50], 0, 1), [true, false, true, false]);
});
