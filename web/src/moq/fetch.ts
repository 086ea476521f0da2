/** A FETCH of any kind, and the stream that answers it (moqt-18 §10.12, §11.4.4). */
import type { StreamId, StreamSink } from "./actions.ts";
import type { Connection } from "./connection.ts";
import type { FetchReceiver } from "./datastreams.ts";
import { codeName, MoqError, RequestError, ResetCode } from "./errors.ts";
import { MalformedTrack, safeId, toObject } from "./objects.ts";
import { FetchParser, ObjectTooLarge } from "./parsers.ts";
import { requestError, type RequestStream, type RequestUser, unansweredError } from "./requests.ts";
import type { Location, MoqObject } from "./types.ts";
import { violation } from "./wire/errors.ts";
import type { FetchItem } from "./wire/fetchstream.ts";
import { parseKeyValues, trackInfo } from "./wire/properties.ts";
import { ObjectStatus } from "./wire/subgroup.ts";
import { type Fetch, type FetchOk, type Message, MessageType, messageName } from "./wire/types.ts";

export interface FetchOutput {
  object(o: MoqObject): void;
  /** What lies between the item before and this location is unknown to the publisher. */
  unknown(to: Location): void;
  /** The fetch is over. Nothing follows. */
  done(e?: MoqError): void;
}

export class FetchRequest implements RequestUser, FetchReceiver {
  private readonly request: RequestStream;
  private answer: FetchOk | undefined;
  private dataStream: StreamId | undefined;
  private over = false;

  /** ready false: the stream with the objects waits until release. */
  constructor(
    private readonly connection: Connection,
    build: (requestId: number) => Fetch,
    private readonly out: FetchOutput,
    public ready = true,
  ) {
    this.request = connection.openRequest(build, this);
    connection.dataStreams.expectFetch(this.request.requestId, this);
  }

  release(): void {
    if (this.ready) return;
    this.ready = true;
    this.connection.dataStreams.fetchReady();
  }

  /** Gives up. done is not called. */
  cancel(): void {
    if (this.over) return;
    this.over = true;
    this.request.cancel();
    this.letGo();
  }

  message(m: Message): void {
    switch (m.type) {
      case MessageType.GOAWAY:
        return;
      case MessageType.REQUEST_ERROR:
        return this.fail(requestError(m));
      case MessageType.FETCH_OK:
        if (this.answer !== undefined) throw violation("a second FETCH_OK");
        this.answer = m;
        return this.accepted(m);
      default:
        throw violation(`${messageName(m.type)} answers FETCH`);
    }
  }

  private accepted(m: FetchOk): void {
    const asked = this.request.request as Fetch;
    if (asked.kind === 1 && endsBefore(m, asked)) throw violation("FETCH_OK ends before the start of the fetch");
    const info = trackInfo(parseKeyValues(m.trackProperties));
    if (info.unknownMandatory !== undefined) {
      this.fail(new MoqError("request", RequestError.UNSUPPORTED_EXTENSION, `the track needs the extension 0x${info.unknownMandatory.toString(16)}`));
    }
  }

  ended(code?: number): void {
    // After FETCH_OK the publisher has nothing more to say here; the stream with the objects decides.
    if (code !== undefined || this.answer === undefined) this.fail(unansweredError(code));
  }

  closed(e: MoqError): void {
    if (this.over) return;
    this.over = true;
    this.out.done(e);
  }

  stream(stream: StreamId): StreamSink {
    if (this.dataStream !== undefined) throw violation(`a second stream for the fetch ${this.request.requestId}`);
    this.dataStream = stream;
    const parser = new FetchParser();
    return {
      data: (bytes, at) => this.guard(() => parser.push(bytes, (item, payload) => this.item(item, payload, at))),
      fin: () => {
        parser.end();
        this.connection.forget(stream);
        this.finish();
      },
      reset: (code) => {
        this.connection.forget(stream);
        this.fail(new MoqError("request", RequestError.INTERNAL_ERROR, `the relay broke the fetch off: ${codeName(ResetCode, code)}`));
      },
    };
  }

  private item(item: FetchItem, payload: Uint8Array, at: number): void {
    if (this.over) return;
    const group = safeId(item.group, "group ID");
    if (item.kind !== "object") {
      if (item.kind === "endUnknown") this.out.unknown({ group, object: safeId(item.id, "object ID") });
      return;
    }
    const { subgroup, id, priority, properties } = item;
    this.out.object(toObject({ group, subgroup, id, priority, status: ObjectStatus.NORMAL, properties, payload, at }));
  }

  private guard(f: () => void): void {
    try {
      f();
    } catch (e) {
      if (e instanceof ObjectTooLarge) return this.fail(new MoqError("request", RequestError.EXCESSIVE_LOAD, e.message));
      if (e instanceof MalformedTrack) return this.fail(new MoqError("request", RequestError.MALFORMED_TRACK, e.message));
      throw e;
    }
  }

  private finish(): void {
    if (this.over) return;
    this.over = true;
    this.dataStream = undefined;
    this.request.finish();
    this.letGo();
    this.out.done();
  }

  private fail(e: MoqError): void {
    if (this.over) return;
    this.over = true;
    this.request.cancel();
    this.letGo();
    this.out.done(e);
  }

  private letGo(): void {
    if (this.dataStream !== undefined) this.connection.stop(this.dataStream, ResetCode.CANCELLED);
    this.dataStream = undefined;
    this.connection.dataStreams.dropFetch(this.request.requestId);
  }
}

/** True if the answer covers less than the first object asked for (moqt-18 §10.13). */
function endsBefore(m: FetchOk, asked: Extract<Fetch, { kind: 1 }>): boolean {
  if (m.end.group !== asked.start.group) return m.end.group < asked.start.group;
  return m.end.object !== 0 && m.end.object < asked.start.object;
}
