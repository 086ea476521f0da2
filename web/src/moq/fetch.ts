/** A FETCH of any kind: its request and the stream that answers it (moqt-18 §10.12, §11.4.4). */
import type { Connection } from "./connection.ts";
import type { MoqError } from "./errors.ts";
import { type FetchOutput, FetchStream } from "./fetchstream.ts";
import { unusable } from "./objects.ts";
import { type OutgoingRequest, requestError, type RequestUser, unansweredError } from "./requests.ts";
import { violation } from "./wire/errors.ts";
import { parseKeyValues, trackInfo } from "./wire/properties.ts";
import { type Fetch, type FetchOk, type Message, MessageType, messageName } from "./wire/types.ts";

export class FetchRequest implements RequestUser {
  private readonly request: OutgoingRequest;
  private readonly stream: FetchStream;
  private answered = false;
  private over = false;

  /** ready false: the stream with the objects waits until release. */
  constructor(
    private readonly connection: Connection,
    build: (requestId: number) => Fetch,
    private readonly out: FetchOutput,
    ready = true,
  ) {
    this.request = connection.openRequest(build, this);
    const received: FetchOutput = {
      object: (o) => out.object(o),
      unknown: (to) => out.unknown(to),
      done: (e) => (e === undefined ? this.finish() : this.fail(e)),
    };
    this.stream = new FetchStream(connection, this.request.requestId, received, ready);
  }

  release(): void {
    this.stream.release();
  }

  /** Gives up. done is not called. */
  cancel(): void {
    if (this.over) return;
    this.over = true;
    this.request.cancel();
    this.stream.cancel();
  }

  message(m: Message): void {
    switch (m.type) {
      case MessageType.GOAWAY:
        return;
      case MessageType.REQUEST_ERROR:
        return this.fail(requestError(m));
      case MessageType.FETCH_OK:
        if (this.answered) throw violation("a second FETCH_OK");
        this.answered = true;
        return this.accepted(m);
      default:
        throw violation(`${messageName(m.type)} answers FETCH`);
    }
  }

  private accepted(m: FetchOk): void {
    const asked = this.request.request as Fetch;
    if (endsBefore(m, asked)) throw violation("FETCH_OK ends before the start of the fetch");
    const { draft } = this.connection;
    const e = unusable(trackInfo(parseKeyValues(m.trackProperties), draft), draft);
    if (e !== undefined) this.fail(e);
  }

  ended(code?: number): void {
    // After FETCH_OK the publisher has nothing more to say here; the stream with the objects decides.
    if (code !== undefined || !this.answered) this.fail(unansweredError(code));
  }

  closed(e: MoqError): void {
    if (this.over) return;
    this.over = true;
    this.out.done(e);
  }

  private finish(): void {
    if (this.over) return;
    this.over = true;
    this.request.finish();
    this.out.done();
  }

  private fail(e: MoqError): void {
    if (this.over) return;
    this.cancel();
    this.out.done(e);
  }
}

/** True if the answer covers less than the first object asked for (moqt-18 §10.13). */
function endsBefore(m: FetchOk, asked: Fetch): boolean {
  const { filter } = asked.params;
  if (filter === undefined || !("start" in filter)) return false;
  return m.end.group < filter.start.group || (m.end.group === filter.start.group && m.end.object < filter.start.object);
}
