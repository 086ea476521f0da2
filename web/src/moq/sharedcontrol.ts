/**
 * The one control stream of draft 16, which carries the messages of all requests but SUBSCRIBE_NAMESPACE (moqt-16 §3.3,
 * §9). An adapter: it makes a channel for each request, and what later drafts say by ending streams it says and hears in
 * messages of their own.
 */
import type { StreamId, StreamSink } from "./actions.ts";
import type { Channel, ChannelUser } from "./channel.ts";
import type { Connection } from "./connection.ts";
import { type Control, requestStream } from "./control.ts";
import { RequestError, SessionError } from "./errors.ts";
import { MessageParser } from "./parsers.ts";
import { IncomingRequest, isRequest } from "./requests.ts";
import { SharedChannel } from "./sharedchannel.ts";
import { violation, WireError } from "./wire/errors.ts";
import { type Goaway, type Message, MessageType, messageName, type Request, type Setup } from "./wire/types.ts";
import type { U64 } from "./wire/u64.ts";

/** How many requests the peer may have open. */
const WINDOW = 64;

/** A request, or an update of one, that waits until the peer allows its ID, with what was asked of it since. */
interface Waiting {
  readonly id: number;
  readonly steps: (() => void)[];
}

export class SharedControl implements Control {
  /** Undefined on a server until the client has opened it. */
  private stream: StreamId | undefined;
  /** Open requests by their IDs. The parity tells whose they are. */
  private readonly channels = new Map<U64, SharedChannel>();
  /** Whose REQUEST_UPDATE has an ID of ours that is not answered. */
  private readonly updates = new Map<U64, SharedChannel>();
  /** The smallest Request ID that we must not use, as the peer said. */
  private limit: U64 = 0;
  private readonly waiting: Waiting[] = [];
  /** The limit that we last complained about. */
  private blockedAt: U64 | undefined;
  /** Requests of the peer, updates included. */
  private peerRequests = 0;
  /** How many requests the peer may make in all. */
  private granted = WINDOW;

  constructor(
    private readonly connection: Connection,
    private readonly ours: Setup,
    private readonly role: "client" | "server",
  ) {
    if (role === "client") {
      this.stream = connection.openBidi(this.sink());
      this.sendSetup();
    }
  }

  private sendSetup(): void {
    const server = this.role === "server" ? { server: true } : {};
    this.send({ ...this.ours, ...server, maxRequestId: this.grant() });
  }

  /** The smallest Request ID that the peer must not use. */
  private grant(): number {
    return 2 * this.granted + (this.role === "client" ? 1 : 0);
  }

  private sink(): StreamSink {
    const { connection } = this;
    const parser = new MessageParser(connection.draft);
    const gone = () => connection.fail(violation("the peer closed the control stream"));
    return {
      data: (bytes) => parser.push(bytes, (m) => this.receive(m)),
      fin: gone,
      reset: gone,
      stopped: gone,
      closed: () => {
        for (const c of this.channels.values()) c.user.closed();
      },
    };
  }

  // Control

  open(request: Request, user: ChannelUser): Channel {
    const bytes = this.connection.encode(request);
    const id = Number(request.requestId);
    if (request.type === MessageType.SUBSCRIBE_NAMESPACE) {
      const channel = this.connection.newChannel(user, (a) => this.act(id, () => this.connection.push(a)));
      const { stream } = channel;
      this.admit(id, () => {
        this.connection.push({ kind: "openBidi", stream });
        this.connection.push({ kind: "write", stream, bytes });
      });
      return channel;
    }
    const channel = new SharedChannel(this, request, user, true);
    this.channels.set(id, channel);
    this.admit(id, () => this.write(bytes));
    return channel;
  }

  bidi(stream: StreamId): StreamSink {
    // The first stream is the control stream (moqt-16 §3.3).
    if (this.role === "client" || this.stream !== undefined) {
      this.count();
      return requestStream(this.connection, stream);
    }
    this.stream = stream;
    return this.sink();
  }

  uni(stream: StreamId): StreamSink {
    throw violation(`a unidirectional control stream ${stream}`);
  }

  sendGoaway(m: Goaway): void {
    this.send(m);
  }

  // For the channels.

  send(m: Message): void {
    this.write(this.connection.encode(m));
  }

  private write(bytes: Uint8Array): void {
    this.connection.push({ kind: "write", stream: this.stream as StreamId, bytes });
  }

  /** Sends what belongs to a request of ours: after the request itself. */
  sendFor(id: U64, m: Message): void {
    this.act(id, () => this.send(m));
  }

  /** Sends a REQUEST_UPDATE of ours. */
  sendUpdate(channel: SharedChannel, m: Extract<Message, { type: typeof MessageType.REQUEST_UPDATE }>): void {
    this.updates.set(m.requestId, channel);
    this.admit(Number(m.requestId), () => this.send(m));
  }

  /** Nothing more is said about the request. */
  drop(channel: SharedChannel): void {
    const { requestId } = channel.request;
    if (this.channels.get(requestId) === channel) this.channels.delete(requestId);
    for (const [id, c] of this.updates) if (c === channel) this.updates.delete(id);
    if (!channel.mine) this.extend();
  }

  // The limit of Request IDs (moqt-16 §9.5).

  private act(id: U64, step: () => void): void {
    const waiting = this.waiting.find((w) => w.id === id);
    if (waiting === undefined) step();
    else waiting.steps.push(step);
  }

  private admit(id: number, step: () => void): void {
    this.waiting.push({ id, steps: [step] });
    this.drain();
  }

  private drain(): void {
    for (let w = this.waiting[0]; w !== undefined && w.id < this.limit; w = this.waiting[0]) {
      this.waiting.shift();
      for (const step of w.steps) step();
    }
    if (this.waiting.length === 0 || !this.connection.ready || this.blockedAt === this.limit) return;
    this.blockedAt = this.limit;
    this.send({ type: MessageType.REQUESTS_BLOCKED, maxRequestId: this.limit });
  }

  /** The peer made a request. */
  private count(): void {
    this.peerRequests++;
    this.extend();
  }

  /** Lets the peer make as many requests as have ended since, once that are enough for a message. */
  private extend(): void {
    const open = [...this.channels.values()].filter((c) => !c.mine).length;
    const granted = this.peerRequests - open + WINDOW;
    if (granted < this.granted + WINDOW / 2) return;
    this.granted = granted;
    this.send({ type: MessageType.MAX_REQUEST_ID, requestId: this.grant() });
  }

  // Messages of the peer.

  private receive(m: Message): void {
    const { connection } = this;
    if (connection.closed !== undefined) return;
    if (!connection.ready) return this.receiveSetup(m);
    if (isRequest(m)) return this.receiveRequest(m);
    switch (m.type) {
      case MessageType.MAX_REQUEST_ID:
        if (m.requestId <= this.limit) throw violation(`MAX_REQUEST_ID ${m.requestId} after ${this.limit}`);
        this.limit = m.requestId;
        return this.drain();
      case MessageType.REQUESTS_BLOCKED:
        return;
      case MessageType.SUBSCRIBE_OK:
      case MessageType.FETCH_OK:
      case MessageType.PUBLISH_OK:
      case MessageType.REQUEST_OK:
      case MessageType.REQUEST_ERROR:
        return this.receiveAnswer(m, m.requestId as U64);
      case MessageType.REQUEST_UPDATE:
        return this.receiveUpdate(m);
      case MessageType.PUBLISH_DONE:
        return this.find(m, m.requestId as U64)?.peerDone(m);
      case MessageType.UNSUBSCRIBE:
      case MessageType.FETCH_CANCEL:
      case MessageType.PUBLISH_NAMESPACE_DONE:
      case MessageType.PUBLISH_NAMESPACE_CANCEL:
        return this.find(m, m.requestId)?.peerGone(m.type);
      default:
        // GOAWAY, and what does not belong here.
        return connection.controlMessage(m);
    }
  }

  private receiveSetup(m: Message): void {
    const { connection } = this;
    if (m.type === MessageType.SETUP) {
      if ((m.server === true) !== (this.role === "client")) throw violation(`${m.server === true ? "SERVER" : "CLIENT"}_SETUP from the wrong side`);
      this.limit = m.maxRequestId ?? 0;
      if (this.role === "server") this.sendSetup();
    }
    connection.controlMessage(m);
    this.drain();
  }

  private receiveRequest(m: Request): void {
    if (m.type === MessageType.SUBSCRIBE_NAMESPACE) throw violation("SUBSCRIBE_NAMESPACE on the control stream");
    // Throws if it was: the request that has the ID keeps it.
    if (this.connection.isPeerRequest(m.requestId)) this.connection.checkRequestId(m.requestId);
    const incoming = new IncomingRequest(this.connection, (user) => new SharedChannel(this, m, user, false));
    this.channels.set(m.requestId, incoming.channel as SharedChannel);
    this.count();
    incoming.message(m);
  }

  checkLimit(id: U64): void {
    if (id >= this.grant()) throw new WireError(SessionError.TOO_MANY_REQUESTS, `the Request ID ${id} is not below ${this.grant()}`);
  }

  private receiveAnswer(m: Message, id: U64): void {
    const updated = this.updates.get(id);
    if (updated !== undefined) {
      this.updates.delete(id);
      return updated.user.message(m);
    }
    if (!this.connection.isOurRequest(id)) throw violation(`${messageName(m.type)} for the request ${id}, which was never made`);
    // What answers a request that we have given up is for nobody.
    this.channels.get(id)?.answer(m);
  }

  private receiveUpdate(m: Extract<Message, { type: typeof MessageType.REQUEST_UPDATE }>): void {
    const channel = this.find(m, m.existingId as U64);
    this.count();
    // A request of the peer checks the ID itself.
    if (channel === undefined || channel.mine) this.connection.checkRequestId(m.requestId);
    if (channel !== undefined) return channel.update(m);
    this.send({ type: MessageType.REQUEST_ERROR, requestId: m.requestId, code: RequestError.INTERNAL_ERROR, reason: "the request is over" });
  }

  /** The request that m is about; undefined if it is over. Throws WireError if there never was one. */
  private find(m: Message, id: U64): SharedChannel | undefined {
    const channel = this.channels.get(id);
    if (channel === undefined && !this.connection.isOurRequest(id) && !this.connection.isPeerRequest(id)) {
      throw violation(`${messageName(m.type)} for the request ${id}, which was never made`);
    }
    return channel;
  }
}
