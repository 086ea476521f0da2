/** Unsigned 64-bit integers as they come off the wire: a number where that is exact, a bigint above. */

/** A number when at most Number.MAX_SAFE_INTEGER, otherwise a bigint below 2^64. Never a bigint that fits a number. */
export type U64 = number | bigint;

export const MAX_U64 = (1n << 64n) - 1n;

/** Brings a bigint into the form of U64. */
export function normalise(v: bigint): U64 {
  return v <= BigInt(Number.MAX_SAFE_INTEGER) ? Number(v) : v;
}

/** The sum, or undefined if it is more than max. */
export function add(a: U64, b: U64, max: bigint = MAX_U64): U64 | undefined {
  if (typeof a === "number" && typeof b === "number") {
    const sum = a + b;
    if (Number.isSafeInteger(sum)) return sum;
  }
  const sum = BigInt(a) + BigInt(b);
  return sum > max ? undefined : normalise(sum);
}

/** The difference, or undefined if it is negative. */
export function subtract(a: U64, b: U64): U64 | undefined {
  if (typeof a === "number" && typeof b === "number") return a < b ? undefined : a - b;
  const difference = BigInt(a) - BigInt(b);
  return difference < 0n ? undefined : normalise(difference);
}

/** True for even values. */
export function isEven(v: U64): boolean {
  return typeof v === "number" ? v % 2 === 0 : (v & 1n) === 0n;
}
