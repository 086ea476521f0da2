/** Requests (moqt-18 §3.3, §10): the ones we make, and the ones of the peer. */
import type { Channel, ChannelUser } from "./channel.ts";
import type { Connection } from "./connection.ts";
import { codeName, MoqError, RequestError, ResetCode, SessionError } from "./errors.ts";
import { violation, WireError } from "./wire/errors.ts";
import { type Message, MessageType, messageName, type Request, type RequestErr } from "./wire/types.ts";
import type { U64 } from "./wire/u64.ts";

/** The side of a request that knows what it is about. */
export interface RequestUser {
  /** Throws WireError for a message that has no place here. GOAWAY comes at most once. */
  message(m: Message): void;
  /** Nothing more comes: the peer is done with it, or gave it up with code. */
  ended(code?: number): void;
  /** The session is over. */
  closed(e: MoqError): void;
}

/** A request that we made. */
export class OutgoingRequest implements ChannelUser {
  private readonly channel: Channel;
  private goaway = false;
  /** The user hears nothing more. */
  private over = false;

  /** Only for Connection.openRequest. */
  constructor(
    private readonly connection: Connection,
    readonly request: Request,
    private readonly user: RequestUser,
    open: (user: ChannelUser) => Channel,
  ) {
    this.channel = open(this);
  }

  get requestId(): number {
    return Number(this.request.requestId);
  }

  send(m: Message): void {
    this.channel.send(m);
  }

  /** Says that we have nothing more to say. Answers still arrive. */
  finish(): void {
    this.channel.finish();
  }

  /** Gives the request up. The user hears nothing more. */
  cancel(code: number = ResetCode.CANCELLED): void {
    this.over = true;
    this.channel.cancel(code);
  }

  message(m: Message): void {
    if (this.over) return;
    if (m.type === MessageType.GOAWAY) {
      if (this.goaway) throw violation("a second GOAWAY on a request stream");
      if (m.requestId !== undefined) throw violation("GOAWAY with a Request ID on a request stream");
      this.goaway = true;
    }
    this.user.message(m);
  }

  ended(code?: number): void {
    if (this.over) return;
    if (code === undefined) this.channel.finish();
    this.user.ended(code);
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

/** The error of a request that ended without an answer. */
export function unansweredError(code: number | undefined): MoqError {
  if (code === undefined) return new MoqError("request", RequestError.INTERNAL_ERROR, "the relay ended the request without an answer");
  const goingAway = code === ResetCode.GOING_AWAY;
  return new MoqError(
    "request",
    goingAway ? RequestError.GOING_AWAY : RequestError.INTERNAL_ERROR,
    `the relay cancelled the request: ${codeName(ResetCode, code)}`,
  );
}

/**
 * The Request IDs that the peer has used (moqt-18 §10.1). Draft 16 wants them in sequence (moqt-16 §9.1), but has
 * requests on streams of their own, which may overtake those of the control stream: it is not held to it.
 */
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
    if (wrong || this.used(id)) {
      throw new WireError(SessionError.INVALID_REQUEST_ID, `the Request ID ${id} ${wrong ? "has the wrong parity" : "is used twice"}`);
    }
    this.seen.add(id);
    while (typeof this.low === "number" && this.seen.delete(this.low)) this.low += 2;
  }

  /** True for an ID of the peer that it has used. */
  used(id: U64): boolean {
    return BigInt(id) % 2n === BigInt(this.parity) && (id < this.low || this.seen.has(id));
  }
}

/** Types that begin a request. */
const requestTypes = new Set<number>([
  MessageType.TRACK_STATUS,
  MessageType.SUBSCRIBE,
  MessageType.PUBLISH,
  MessageType.FETCH,
  MessageType.PUBLISH_NAMESPACE,
  MessageType.SUBSCRIBE_NAMESPACE,
  MessageType.SUBSCRIBE_TRACKS,
]);

/** True if m begins a request. */
export function isRequest(m: Message): m is Request {
  return requestTypes.has(m.type);
}

/** A request that the peer made. */
export class IncomingRequest implements ChannelUser {
  readonly channel: Channel;
  private first: Request | undefined;
  /** Later messages of the peer; REQUEST_UPDATE has its ID checked. Without it, any message is a fault. */
  onMessage?: (m: Message) => void;
  /** The peer finished, reset or stopped the request: called once. */
  onEnded?: (code?: number) => void;
  private over = false;

  constructor(
    private readonly connection: Connection,
    open: (user: ChannelUser) => Channel,
  ) {
    this.channel = open(this);
  }

  get request(): Request {
    return this.first as Request;
  }

  send(m: Message): void {
    this.channel.send(m);
  }

  finish(): void {
    this.channel.finish();
  }

  /** Gives it up in both directions. */
  cancel(code: number): void {
    this.channel.cancel(code);
  }

  message(m: Message): void {
    if (this.first === undefined) {
      if (!isRequest(m)) throw violation(`a request begins with ${messageName(m.type)}`);
      this.first = m;
      this.connection.received(this);
    } else {
      if (m.type === MessageType.REQUEST_UPDATE) this.connection.checkRequestId(m.requestId);
      if (this.onMessage === undefined) throw violation(`${messageName(m.type)} after ${messageName(this.first.type)}`);
      this.onMessage(m);
    }
  }

  ended(code?: number): void {
    if (this.over) return;
    this.over = true;
    this.onEnded?.(code);
  }

  stopped(code: number): void {
    this.ended(code);
  }

  closed(): void {}
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
