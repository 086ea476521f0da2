/** Incremental parsers of the streams of a session: fed with chunks, they pass on whole messages and whole objects. */
import { ByteQueue } from "./queue.ts";
import type { Draft } from "./wire/draft.ts";
import { violation } from "./wire/errors.ts";
import { type FetchCursor, type FetchedObject, type FetchItem, nextCursor, readFetchItem } from "./wire/fetchstream.ts";
import { decodeMessage } from "./wire/messages.ts";
import { type ObjectHeader, readSubgroupObject } from "./wire/subgroup.ts";
import type { Message } from "./wire/types.ts";
import type { U64 } from "./wire/u64.ts";

/** The largest payload that is waited for. */
export const MAX_OBJECT_SIZE = 16 * 1024 * 1024;

/** A payload above MAX_OBJECT_SIZE. The rest of the stream cannot be used. */
export class ObjectTooLarge extends Error {
  override readonly name = "ObjectTooLarge";
  constructor(size: U64) {
    super(`an object of ${size} bytes is above the limit of ${MAX_OBJECT_SIZE}`);
  }
}

/** Control and request streams. */
export class MessageParser {
  private readonly queue: ByteQueue;

  constructor(draft: Draft) {
    this.queue = new ByteQueue(draft);
  }

  /** Calls each for every message that is complete. It may be called again from within each. */
  push(b: Uint8Array, each: (m: Message) => void): void {
    this.queue.push(b);
    for (;;) {
      const m = this.queue.read(decodeMessage);
      if (m === undefined) return;
      each(m);
    }
  }

  /** Throws WireError if the stream ended in the middle of a message. */
  end(): void {
    if (this.queue.length > 0) throw violation("stream ends inside a message");
  }
}

/** The objects of a subgroup stream, after its header. */
export class SubgroupParser {
  private readonly queue: ByteQueue;
  private previous: U64 | undefined;
  private waiting: ObjectHeader | undefined;

  constructor(
    draft: Draft,
    private readonly hasProperties: boolean,
  ) {
    this.queue = new ByteQueue(draft);
  }

  /** Calls each for every complete object. Throws WireError and ObjectTooLarge. */
  push(b: Uint8Array, each: (o: ObjectHeader, payload: Uint8Array) => void): void {
    this.queue.push(b);
    for (;;) {
      this.waiting ??= this.queue.read((r) => {
        const o = readSubgroupObject(r, this.hasProperties, this.previous);
        return { ...o, properties: o.properties.slice() };
      });
      const o = this.waiting;
      if (o === undefined) return;
      if (o.payloadLength > MAX_OBJECT_SIZE) throw new ObjectTooLarge(o.payloadLength);
      if (this.queue.length < o.payloadLength) return;
      this.previous = o.id;
      this.waiting = undefined;
      each(o, this.queue.take(Number(o.payloadLength)));
    }
  }

  /** ID of the last complete object. */
  get last(): U64 | undefined {
    return this.previous;
  }

  /** Throws WireError if the stream ended in the middle of an object (moqt-18 §11.4). */
  end(): void {
    if (this.queue.length > 0 || this.waiting !== undefined) throw violation("stream ends inside an object");
  }
}

/** The items of a fetch stream in ascending group order, after its header. */
export class FetchParser {
  private readonly queue: ByteQueue;
  private cursor: FetchCursor = { descending: false };
  private waiting: FetchedObject | undefined;

  constructor(draft: Draft) {
    this.queue = new ByteQueue(draft);
  }

  /** Calls each for every complete object and every end of range, whose payload is empty. */
  push(b: Uint8Array, each: (item: FetchItem, payload: Uint8Array) => void): void {
    this.queue.push(b);
    for (;;) {
      const item: FetchItem | undefined =
        this.waiting ??
        this.queue.read((r) => {
          const item = readFetchItem(r, this.cursor);
          return item.kind === "object" ? { ...item, properties: item.properties.slice() } : item;
        });
      if (item === undefined) return;
      const length = item.kind === "object" ? item.payloadLength : 0;
      if (length > MAX_OBJECT_SIZE) throw new ObjectTooLarge(length);
      if (this.queue.length < length) {
        this.waiting = item as FetchedObject;
        return;
      }
      this.waiting = undefined;
      this.cursor = nextCursor(this.cursor, item);
      each(item, this.queue.take(Number(length)));
    }
  }

  /** Throws WireError if the stream ended in the middle of an item. */
  end(): void {
    if (this.queue.length > 0 || this.waiting !== undefined) throw violation("stream ends inside an object");
  }
}
