/** The stream with the objects of a fetch, or of the fill of a subscription (moqt-18 §11.4.4; draft 20, fills). */
import type { StreamId, StreamSink } from "./actions.ts";
import type { Connection } from "./connection.ts";
import type { FetchReceiver } from "./datastreams.ts";
import { codeName, MoqError, RequestError, ResetCode } from "./errors.ts";
import { MalformedTrack, safeId, toObject } from "./objects.ts";
import { FetchParser, ObjectTooLarge } from "./parsers.ts";
import type { Location, MoqObject } from "./types.ts";
import { violation } from "./wire/errors.ts";
import type { FetchItem } from "./wire/fetchstream.ts";
import { ObjectStatus } from "./wire/subgroup.ts";

export interface FetchOutput {
  /** Its stream is here. */
  opened?(): void;
  object(o: MoqObject): void;
  /** What lies between the item before and this location is unknown to the publisher. */
  unknown(to: Location): void;
  /** The fetch is over. Nothing follows. */
  done(e?: MoqError): void;
}

/** Expects the stream with a Request ID from when it is made. */
export class FetchStream implements FetchReceiver {
  private stream: StreamId | undefined;
  private over = false;

  /** ready false: the stream waits until release. */
  constructor(
    private readonly connection: Connection,
    private readonly requestId: number,
    private readonly out: FetchOutput,
    public ready: boolean,
  ) {
    connection.dataStreams.expectFetch(requestId, this);
  }

  release(): void {
    if (this.ready) return;
    this.ready = true;
    this.connection.dataStreams.fetchReady();
  }

  /** Gives up; done is not called. */
  cancel(): void {
    if (this.over) return;
    this.over = true;
    if (this.stream !== undefined) this.connection.stop(this.stream, ResetCode.CANCELLED);
    this.connection.dataStreams.dropFetch(this.requestId);
  }

  opened(stream: StreamId): StreamSink {
    if (this.stream !== undefined) throw violation(`a second stream for the fetch ${this.requestId}`);
    this.stream = stream;
    this.out.opened?.();
    const parser = new FetchParser(this.connection.draft);
    return {
      data: (bytes, at) => this.guard(() => parser.push(bytes, (item, payload) => this.item(item, payload, at))),
      fin: () => {
        parser.end();
        this.connection.forget(stream);
        this.end();
      },
      reset: (code) => {
        this.connection.forget(stream);
        this.end(new MoqError("request", RequestError.INTERNAL_ERROR, `the relay broke the fetch off: ${codeName(ResetCode, code)}`));
      },
    };
  }

  private item(item: FetchItem, payload: Uint8Array, at: number): void {
    if (this.over) return;
    const group = safeId(item.group, "group ID");
    if (item.kind !== "object") {
      if (item.kind !== "endNonExistent") this.out.unknown({ group, object: safeId(item.id, "object ID") });
      return;
    }
    const { subgroup, id, priority, properties } = item;
    this.out.object(toObject({ group, subgroup, id, priority, status: ObjectStatus.NORMAL, properties, payload, at }, this.connection.draft));
  }

  private guard(f: () => void): void {
    try {
      f();
    } catch (e) {
      if (e instanceof ObjectTooLarge) return this.end(new MoqError("request", RequestError.EXCESSIVE_LOAD, e.message));
      if (e instanceof MalformedTrack) return this.end(new MoqError("request", RequestError.MALFORMED_TRACK, e.message));
      throw e;
    }
  }

  private end(e?: MoqError): void {
    if (this.over) return;
    this.cancel();
    this.out.done(e);
  }
}
