/** Variable-length integers, in the two forms that MOQT has had. */
import { MAX_U64, normalise, type U64 } from "./u64.ts";

export interface VarintForm {
  /** The largest integer. */
  readonly max: bigint;
  /** Bytes that v takes in its shortest form. */
  length(v: U64): number;
  /**
   * Writes v at offset and returns the offset after it. The caller made room for length(v) bytes. Throws a RangeError
   * if the form has no v.
   */
  put(b: Uint8Array, offset: number, v: U64): number;
  /** Length of the integer that begins with this byte. */
  size(first: number): number;
  /** Reads the integer at offset; all its bytes (see size) must be there. Longer forms than needed are valid. */
  get(b: Uint8Array, offset: number): U64;
}

function check(v: U64, form: VarintForm): void {
  const { max } = form;
  if (typeof v === "bigint" ? v < 0n || v > max : !Number.isSafeInteger(v) || v < 0) throw new RangeError(`${v} is not an integer from 0 to ${max}`);
}

/** Writes the low bits of v, as many bytes as there are before end. */
function putBytes(b: Uint8Array, offset: number, end: number, v: U64): void {
  let rest = v;
  for (let i = end - 1; i >= offset; i--) {
    if (typeof rest === "number") {
      b[i] = rest % 256;
      rest = Math.floor(rest / 256);
    } else {
      b[i] = Number(rest & 0xffn);
      rest >>= 8n;
    }
  }
}

/** The integer of size bytes whose first one has the value bits of first. */
function getBytes(b: Uint8Array, offset: number, size: number, first: number): U64 {
  if (size <= 7) {
    let v = first;
    for (let i = 1; i < size; i++) v = v * 256 + (b[offset + i] as number);
    return v;
  }
  let v = BigInt(first);
  for (let i = 1; i < size; i++) v = (v << 8n) | BigInt(b[offset + i] as number);
  return normalise(v);
}

/** As many bytes as the first has leading ones, plus one: 1 to 9 bytes, up to 2^64-1 (moqt-18 §1.4.1). */
export const vi64: VarintForm = {
  max: MAX_U64,
  length(v) {
    if (typeof v === "bigint") return v < 1n << 56n ? 8 : 9;
    let length = 1;
    for (let limit = 0x80; length < 8 && v >= limit; limit *= 0x80) length++;
    return length;
  },
  put(b, offset, v) {
    check(v, vi64);
    const length = vi64.length(v);
    const end = offset + length;
    putBytes(b, offset, end, v);
    b[offset] = (b[offset] as number) | ((0xff << (9 - length)) & 0xff);
    return end;
  },
  size: (first) => Math.clz32(~(first << 24)) + 1,
  get(b, offset) {
    const first = b[offset] as number;
    const size = vi64.size(first);
    return getBytes(b, offset, size, first & (0xff >> size));
  },
};

/** Two bits of length: 1, 2, 4 or 8 bytes, up to 2^62-1 (RFC 9000 §16, of drafts up to 16). */
export const rfc9000: VarintForm = {
  max: (1n << 62n) - 1n,
  length: (v) => (v < 1 << 6 ? 1 : v < 1 << 14 ? 2 : v < 1 << 30 ? 4 : 8),
  put(b, offset, v) {
    check(v, rfc9000);
    const length = rfc9000.length(v);
    const end = offset + length;
    putBytes(b, offset, end, v);
    b[offset] = (b[offset] as number) | (Math.log2(length) << 6);
    return end;
  },
  size: (first) => 1 << (first >> 6),
  get(b, offset) {
    const first = b[offset] as number;
    return getBytes(b, offset, rfc9000.size(first), first & 0x3f);
  },
};
