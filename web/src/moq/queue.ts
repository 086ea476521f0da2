/** Bytes of a stream that were received and not yet understood. */
import { Reader } from "./wire/buffer.ts";
import type { Draft } from "./wire/draft.ts";
import { SHORT } from "./wire/errors.ts";

/** Grows with what arrives, never by what a length field promises. */
export class ByteQueue {
  private buffer = new Uint8Array(0);
  private start = 0;
  private end = 0;

  constructor(private readonly draft: Draft) {}

  get length(): number {
    return this.end - this.start;
  }

  push(b: Uint8Array): void {
    if (this.end + b.length > this.buffer.length) this.makeRoom(b.length);
    this.buffer.set(b, this.end);
    this.end += b.length;
  }

  /** Moves what is there to the front, of a larger buffer unless half of this one would be free. */
  private makeRoom(n: number): void {
    const needed = this.length + n;
    const target = needed * 2 <= this.buffer.length ? this.buffer : new Uint8Array(Math.max(needed, this.buffer.length * 2, 1024));
    target.set(this.buffer.subarray(this.start, this.end));
    this.end -= this.start;
    this.start = 0;
    this.buffer = target;
  }

  /**
   * Runs read on what is there. What it took is removed; if it runs short nothing is, and the result is undefined.
   * What read returns may alias the queue and holds until the next push.
   */
  read<T>(read: (r: Reader) => T): T | undefined {
    const r = new Reader(this.buffer.subarray(this.start, this.end), this.draft);
    try {
      const value = read(r);
      this.start += r.offset;
      return value;
    } catch (e) {
      if (e === SHORT) return undefined;
      throw e;
    }
  }

  /** As read, but removes nothing. */
  peek<T>(read: (r: Reader) => T): T | undefined {
    const start = this.start;
    const value = this.read(read);
    this.start = start;
    return value;
  }

  /** A copy of the first n bytes, which are removed. They must be there. */
  take(n: number): Uint8Array {
    const b = this.buffer.slice(this.start, this.start + n);
    this.start += n;
    return b;
  }

  /** A copy of everything, which is removed. */
  takeAll(): Uint8Array {
    return this.take(this.length);
  }
}
