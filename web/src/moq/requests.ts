/** Request streams (moqt-18 §3.3, §10): the ones we open, and the ones of the peer. */
import type { StreamId, StreamSink } from "./actions.ts";
import type { Connection } from "./connection.ts";
import { codeName, MoqError, RequestError, ResetCode, SessionError } from "./errors.ts";
import { MessageParser } from "./parsers.ts";
import { violation, WireError } from "./wire/errors.ts";
import { type Message, MessageType, messageName, type Request, type RequestErr } from "./wire/types.ts";
import type { U64 } from "./wire/u64.ts";

/** The side of a request that knows what it is about. */
export interface RequestUser {
  /** Throws WireError for a message that has no place here. GOAWAY comes at most once. */
  message(m: Message): void;
  /** Nothing more comes: the peer sent FIN, or reset the stream with code. */
  ended(code?: number): void;
  /** The session is over. */
  closed(e: MoqError): void;
}

/** A request that we made. */
export class RequestStream implements StreamSink {
  readonly id: StreamId;
  private readonly parser = new MessageParser();
  private goaway = false;
  /** Our direction is. */
  private open = true;
  /** The user hears nothing more. */
  private over = false;

  /** Only for Connection.openRequest. */
  constructor(
    private readonly connection: Connection,
    readonly request: Request,
    private readonly user: RequestUser,
  ) {
    this.id = connection.openBidi(this);
  }

  get requestId(): number {
    return Number(this.request.requestId);
  }

  send(m: Message): void {
    if (this.open) this.connection.write(this.id, m);
  }

  /** Ends our direction. Answers still arrive. */
  finish(): void {
    if (this.open) this.connection.push({ kind: "finish", stream: this.id });
    this.open = false;
  }

  /** Gives the request up in both directions (moqt-18 §3.3.2). The user hears nothing more. */
  cancel(code: number = ResetCode.CANCELLED): void {
    this.over = true;
    this.connection.stop(this.id, code);
    if (this.open) this.connection.push({ kind: "reset", stream: this.id, code });
    this.open = false;
  }

  data(bytes: Uint8Array): void {
    this.parser.push(bytes, (m) => {
      if (this.over) return;
      if (m.type === MessageType.GOAWAY) {
        if (this.goaway) throw violation("a second GOAWAY on a request stream");
        if (m.requestId !== undefined) throw violation("GOAWAY with a Request ID on a request stream");
        this.goaway = true;
      }
      this.user.message(m);
    });
  }

  fin(): void {
    this.parser.end();
    this.connection.forget(this.id);
    this.finish();
    this.user.ended();
  }

  reset(code: number): void {
    this.connection.forget(this.id);
    if (this.open) this.connection.push({ kind: "reset", stream: this.id, code: ResetCode.CANCELLED });
    this.open = false;
    this.user.ended(code);
  }

  /**
   * The peer takes nothing more from us. Whether it has answered or cancelled the request is told by its own
   * direction, which may hold an answer that has not arrived.
   */
  stopped(code: number): void {
    if (!this.open) return;
    this.open = false;
    this.connection.push({ kind: "reset", stream: this.id, code });
  }

  closed(): void {
    this.user.closed(this.connection.closed as MoqError);
  }
}

/** The error of a REQUEST_ERROR. Unknown codes count as INTERNAL_ERROR (moqt-18 §14). */
export function requestError(m: RequestErr): MoqError {
  const name = codeName(RequestError, m.code);
  const code = name.startsWith("0x") ? RequestError.INTERNAL_ERROR : Number(m.code);
  const decode = (b: Uint8Array) => new TextDecoder().decode(b);
  return new MoqError("request", code, m.reason === "" ? name : `${name}: ${m.reason}`, {
    ...(m.retryInterval === undefined ? {} : { retryAfterMs: Number(m.retryInterval) }),
    ...(m.redirect === undefined
      ? {}
      : { redirect: { uri: m.redirect.uri, namespace: m.redirect.track.namespace.map(decode), name: decode(m.redirect.track.name) } }),
  });
}

/** The error of a request stream that ended without an answer. */
export function unansweredError(code: number | undefined): MoqError {
  if (code === undefined) return new MoqError("request", RequestError.INTERNAL_ERROR, "the relay ended the request without an answer");
  const goingAway = code === ResetCode.GOING_AWAY;
  return new MoqError(
    "request",
    goingAway ? RequestError.GOING_AWAY : RequestError.INTERNAL_ERROR,
    `the relay cancelled the request: ${codeName(ResetCode, code)}`,
  );
}

/** The Request IDs that the peer has used (moqt-18 §10.1). */
export class PeerRequestIds {
  /** Everything below was seen. */
  private low: U64;
  private readonly seen = new Set<U64>();

  constructor(private readonly parity: 0 | 1) {
    this.low = parity;
  }

  /** Throws WireError for one of our IDs and for one that was there before. */
  check(id: U64): void {
    const wrong = BigInt(id) % 2n !== BigInt(this.parity);
    if (wrong || id < this.low || this.seen.has(id)) {
      throw new WireError(SessionError.INVALID_REQUEST_ID, `the Request ID ${id} ${wrong ? "has the wrong parity" : "is used twice"}`);
    }
    this.seen.add(id);
    while (typeof this.low === "number" && this.seen.delete(this.low)) this.low += 2;
  }
}

/** Types that begin a request stream. */
const requestTypes = new Set<number>([
  MessageType.TRACK_STATUS,
  MessageType.SUBSCRIBE,
  MessageType.PUBLISH,
  MessageType.FETCH,
  MessageType.PUBLISH_NAMESPACE,
  MessageType.SUBSCRIBE_NAMESPACE,
  MessageType.SUBSCRIBE_TRACKS,
]);

/** A request that the peer made. */
export class IncomingRequest implements StreamSink {
  private readonly parser = new MessageParser();
  private first: Request | undefined;
  /** Later messages of the peer; REQUEST_UPDATE has its ID checked. Without it, any message is a fault. */
  onMessage?: (m: Message) => void;
  /** The peer finished, reset or stopped the stream. */
  onEnded?: (code?: number) => void;

  constructor(
    private readonly connection: Connection,
    readonly stream: StreamId,
  ) {}

  get request(): Request {
    return this.first as Request;
  }

  send(m: Message): void {
    this.connection.write(this.stream, m);
  }

  finish(): void {
    this.connection.push({ kind: "finish", stream: this.stream });
  }

  /** Resets and stops the stream. */
  cancel(code: number): void {
    this.connection.stop(this.stream, code);
    this.connection.push({ kind: "reset", stream: this.stream, code });
  }

  data(bytes: Uint8Array): void {
    this.parser.push(bytes, (m) => {
      if (this.first === undefined) {
        if (!requestTypes.has(m.type)) throw violation(`a request stream begins with ${messageName(m.type)}`);
        this.first = m as Request;
        this.connection.received(this);
      } else {
        if (m.type === MessageType.REQUEST_UPDATE) this.connection.checkRequestId(m.requestId);
        if (this.onMessage === undefined) throw violation(`${messageName(m.type)} after ${messageName(this.first.type)}`);
        this.onMessage(m);
      }
    });
  }

  fin(): void {
    this.parser.end();
    this.connection.forget(this.stream);
    this.onEnded?.();
  }

  reset(code: number): void {
    this.connection.forget(this.stream);
    this.onEnded?.(code);
  }

  stopped(code: number): void {
    this.connection.push({ kind: "reset", stream: this.stream, code });
    this.onEnded?.(code);
  }
}

/** Answers for an endpoint that publishes nothing and takes only what it asked for. */
export function refuse(r: IncomingRequest): void {
  const offered = r.request.type === MessageType.PUBLISH || r.request.type === MessageType.PUBLISH_NAMESPACE;
  r.send({
    type: MessageType.REQUEST_ERROR,
    code: offered ? RequestError.UNINTERESTED : RequestError.DOES_NOT_EXIST,
    reason: offered ? "this client takes only what it subscribes to" : "this client publishes nothing",
  });
  r.finish();
  // A REQUEST_UPDATE that crosses our answer is no fault.
  r.onMessage = () => {};
}
