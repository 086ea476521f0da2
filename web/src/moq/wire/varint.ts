/** Variable-length integers of MOQT, "vi64" (moqt-18 §1.4.1): as many bytes as the first has leading ones, plus one. */
import { MAX_U64, normalise, type U64 } from "./u64.ts";

/** Bytes needed for v in its shortest form, 1 to 9. */
export function varintLength(v: U64): number {
  if (typeof v === "bigint") return v < 1n << 56n ? 8 : 9;
  let length = 1;
  for (let limit = 0x80; length < 8 && v >= limit; limit *= 0x80) length++;
  return length;
}

/** Writes v at offset and returns the offset after it. The caller made room for varintLength(v) bytes. */
export function putVarint(b: Uint8Array, offset: number, v: U64): number {
  if (typeof v === "bigint" ? v < 0n || v > MAX_U64 : !Number.isSafeInteger(v) || v < 0) {
    throw new RangeError(`${v} is not an unsigned 64-bit integer`);
  }
  const length = varintLength(v);
  const end = offset + length;
  if (typeof v === "number") {
    let rest = v;
    for (let i = end - 1; i >= offset; i--) {
      b[i] = rest % 256;
      rest = Math.floor(rest / 256);
    }
  } else {
    let rest = v;
    for (let i = end - 1; i >= offset; i--) {
      b[i] = Number(rest & 0xffn);
      rest >>= 8n;
    }
  }
  b[offset] = (b[offset] as number) | ((0xff << (9 - length)) & 0xff);
  return end;
}

/** The shortest encoding of v. */
export function encodeVarint(v: U64): Uint8Array {
  const b = new Uint8Array(varintLength(v));
  putVarint(b, 0, v);
  return b;
}

/** Length of the integer that begins with this byte, 1 to 9. */
export function varintSize(first: number): number {
  return Math.clz32(~(first << 24)) + 1;
}

/** Reads the integer at offset; all its bytes (see varintSize) must be there. Longer forms than needed are valid. */
export function getVarint(b: Uint8Array, offset: number): U64 {
  const size = varintSize(b[offset] as number);
  if (size <= 7) {
    let v = (b[offset] as number) & (0xff >> size);
    for (let i = 1; i < size; i++) v = v * 256 + (b[offset + i] as number);
    return v;
  }
  let v = 0n;
  for (let i = 1; i < size; i++) v = (v << 8n) | BigInt(b[offset + i] as number);
  return normalise(v);
}
