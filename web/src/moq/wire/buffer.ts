/** Reading fields off bytes and appending fields to bytes. */
import type { Draft } from "./draft.ts";
import { SHORT, violation } from "./errors.ts";
import type { U64 } from "./u64.ts";

/** Takes fields off the front of bytes. Every method throws SHORT if they do not suffice. */
export class Reader {
  /** Where the next field begins. */
  offset = 0;

  constructor(
    readonly bytes: Uint8Array,
    /** Tells the form of integers, and readers of structures what is in them. */
    readonly draft: Draft,
  ) {}

  get remaining(): number {
    return this.bytes.length - this.offset;
  }

  uint8(): number {
    if (this.remaining < 1) throw SHORT;
    return this.bytes[this.offset++] as number;
  }

  uint16(): number {
    if (this.remaining < 2) throw SHORT;
    return this.uint8() * 256 + this.uint8();
  }

  varint(): U64 {
    if (this.remaining < 1) throw SHORT;
    const form = this.draft.varint;
    const size = form.size(this.bytes[this.offset] as number);
    if (this.remaining < size) throw SHORT;
    const v = form.get(this.bytes, this.offset);
    this.offset += size;
    return v;
  }

  /** The next n bytes, not copied. */
  take(n: U64): Uint8Array {
    if (n > this.remaining) throw SHORT;
    const end = this.offset + Number(n);
    const b = this.bytes.subarray(this.offset, end);
    this.offset = end;
    return b;
  }

  /** The bytes after a length of at most limit, not copied. */
  prefixed(what: string, limit: number): Uint8Array {
    const length = this.varint();
    if (length > limit) throw violation(`${what} has ${length} bytes, the limit is ${limit}`);
    return this.take(length);
  }

  /** Everything that is left, not copied. */
  rest(): Uint8Array {
    return this.take(this.remaining);
  }
}

/** Appends fields to a growing buffer. */
export class Writer {
  private buffer = new Uint8Array(64);
  private used = 0;

  constructor(readonly draft: Draft) {}

  get length(): number {
    return this.used;
  }

  private reserve(n: number): void {
    if (this.used + n <= this.buffer.length) return;
    const grown = new Uint8Array(Math.max(this.buffer.length * 2, this.used + n));
    grown.set(this.buffer.subarray(0, this.used));
    this.buffer = grown;
  }

  uint8(v: number): this {
    if (!Number.isInteger(v) || v < 0 || v > 0xff) throw new RangeError(`${v} is not a byte`);
    this.reserve(1);
    this.buffer[this.used++] = v;
    return this;
  }

  uint16(v: number): this {
    return this.uint8(v >> 8).uint8(v & 0xff);
  }

  varint(v: U64): this {
    const form = this.draft.varint;
    this.reserve(form.length(v));
    this.used = form.put(this.buffer, this.used, v);
    return this;
  }

  raw(b: Uint8Array): this {
    this.reserve(b.length);
    this.buffer.set(b, this.used);
    this.used += b.length;
    return this;
  }

  prefixed(b: Uint8Array): this {
    return this.varint(b.length).raw(b);
  }

  /** A copy of what was written. */
  bytes(): Uint8Array {
    return this.buffer.slice(0, this.used);
  }
}
