/**
 * One end of a MOQT session as a state machine without I/O. It is that of the newest draft; what is different in the
 * draft of a session is for the codec (wire/) and for the way of its requests (control.ts, sharedcontrol.ts).
 *
 * The transport tells it what arrived (streamOpened, data, fin, reset, stopped, datagram, transportClosed), runs its
 * timers (nextTimer, runTimers) and after each such call carries out what takeActions returns. Requests are made
 * through openRequest by the classes that know them: subscription.ts, fetch.ts and namespaces.ts.
 *
 * Both roles are here, so that two of them can talk to each other; a client refuses the requests it receives.
 */
import type { Action, StreamId, StreamSink, Timer } from "./actions.ts";
import { type ChannelUser, StreamChannel } from "./channel.ts";
import { type Control, StreamControl } from "./control.ts";
import { DataStreams } from "./datastreams.ts";
import { codeName, MoqError, SessionError } from "./errors.ts";
import { type IncomingRequest, OutgoingRequest, PeerRequestIds, refuse, type RequestUser } from "./requests.ts";
import { SharedControl } from "./sharedcontrol.ts";
import { resetNumbers } from "./wire/codes.ts";
import type { Draft } from "./wire/draft.ts";
import { violation, WireError } from "./wire/errors.ts";
import { encodeMessage } from "./wire/messages.ts";
import { type Goaway, type Message, MessageType, messageName, type Request, type Setup } from "./wire/types.ts";
import type { U64 } from "./wire/u64.ts";

export interface ConnectionConfig {
  role: "client" | "server";
  draft: Draft;
  /** Name and version sent in SETUP (moqt-18 §10.3.1.5). */
  implementation: string;
  /** Milliseconds on the clock that the times of data are on. */
  now: () => number;
  /** How many updates of one of its requests the peer may have unanswered; default any number (moqt-19 §10.3.1.7). */
  maxRequestUpdates?: number;
  /** The peer's SETUP arrived. */
  onSetup?(m: Setup): void;
  onGoaway?(uri: string, timeoutMs: number): void;
  /** The session ended, and not by close. */
  onClosed?(e: MoqError): void;
  /** A request of the peer; default: refuse it. */
  onRequest?(r: IncomingRequest): void;
}

export class Connection {
  private actions: Action[] = [];
  private readonly streams = new Map<StreamId, StreamSink>();
  private readonly timers = new Set<Timer>();
  /** The way of requests. */
  readonly control: Control;
  readonly draft: Draft;
  private nextStream: StreamId = 0;
  private nextRequest: number;
  private readonly peerRequests: PeerRequestIds;
  private setup: Setup | undefined;
  private goaway = false;
  private ended: MoqError | undefined;
  /** Unidirectional streams with objects, and datagrams. */
  readonly dataStreams: DataStreams;
  /** Bytes of streams and datagrams received. */
  bytesReceived = 0;

  /** Opens the control stream and sends SETUP, as far as that is for us to do. */
  constructor(private readonly config: ConnectionConfig) {
    this.draft = config.draft;
    const client = config.role === "client";
    this.nextRequest = client ? 0 : 1;
    this.peerRequests = new PeerRequestIds(client ? 1 : 0);
    this.dataStreams = new DataStreams(this);
    const setup: Setup = { type: MessageType.SETUP, implementation: config.implementation };
    if (config.maxRequestUpdates !== undefined) setup.maxRequestUpdates = config.maxRequestUpdates;
    this.control = this.draft.controlStream ? new SharedControl(this, setup, config.role) : new StreamControl(this, setup);
  }

  // For the transport.

  /** What to do now, in order. Empties the list. */
  takeActions(): Action[] {
    const actions = this.actions;
    this.actions = [];
    return actions;
  }

  /** The peer opened a stream. Returns the name it has from now on. */
  streamOpened(bidirectional: boolean): StreamId {
    const stream = this.nextStream++;
    if (this.ended === undefined) {
      this.streams.set(stream, bidirectional ? this.control.bidi(stream) : this.dataStreams.open(stream));
    }
    return stream;
  }

  data(stream: StreamId, bytes: Uint8Array): void {
    this.bytesReceived += bytes.length;
    this.guard(() => this.streams.get(stream)?.data(bytes, this.now()));
  }

  fin(stream: StreamId): void {
    this.guard(() => this.streams.get(stream)?.fin(this.now()));
  }

  reset(stream: StreamId, code: number): void {
    this.guard(() => this.streams.get(stream)?.reset(this.meaning(code)));
  }

  /** The peer sent STOP_SENDING for a stream that we write to. */
  stopped(stream: StreamId, code: number): void {
    this.guard(() => this.streams.get(stream)?.stopped?.(this.meaning(code)));
  }

  /** The ResetCode that a number stands for in this draft. */
  private meaning(number: number): number {
    return Number(resetNumbers(this.draft).code(number));
  }

  datagram(bytes: Uint8Array): void {
    this.bytesReceived += bytes.length;
    this.guard(() => this.dataStreams.datagram(bytes, this.now()));
  }

  /** The transport is gone. */
  transportClosed(e: MoqError): void {
    this.end(e, true);
  }

  /** When to call runTimers next, on the clock of the config. */
  nextTimer(): number | undefined {
    let next: number | undefined;
    for (const t of this.timers) if (next === undefined || t.at < next) next = t.at;
    return next;
  }

  runTimers(): void {
    const now = this.now();
    for (const t of [...this.timers]) {
      if (t.at > now || !this.timers.delete(t)) continue;
      this.guard(() => t.run());
    }
  }

  /** Closes the session from this side. onClosed is not called, nor anything else of the application. */
  close(code: number = SessionError.NO_ERROR, reason = ""): void {
    if (this.ended !== undefined) return;
    this.push({ kind: "close", code, reason });
    this.end(new MoqError("session", code, reason || "the session was closed"), false);
  }

  // For requests and data streams.

  now(): number {
    return this.config.now();
  }

  /** Why the session ended, if it has. */
  get closed(): MoqError | undefined {
    return this.ended;
  }

  get ready(): boolean {
    return this.setup !== undefined;
  }

  get goingAway(): boolean {
    return this.goaway;
  }

  /** How many updates of a request may be unanswered; 0 is any number. */
  get maxRequestUpdates(): number {
    return Number(this.setup?.maxRequestUpdates ?? 0);
  }

  push(a: Action): void {
    if (this.ended !== undefined) return;
    const named = a.kind === "reset" || a.kind === "stop" ? { ...a, code: Number(resetNumbers(this.draft).number(a.code)) } : a;
    this.actions.push(named);
  }

  encode(m: Message): Uint8Array {
    return encodeMessage(m, this.draft);
  }

  write(stream: StreamId, m: Message): void {
    this.push({ kind: "write", stream, bytes: this.encode(m) });
  }

  openUni(sink: StreamSink): StreamId {
    return this.openStream("openUni", sink);
  }

  openBidi(sink: StreamSink): StreamId {
    return this.openStream("openBidi", sink);
  }

  private openStream(kind: "openUni" | "openBidi", sink: StreamSink): StreamId {
    const stream = this.nextStream++;
    this.streams.set(stream, sink);
    this.push({ kind, stream });
    return stream;
  }

  /** Gives the stream to another sink. */
  handOver(stream: StreamId, sink: StreamSink): void {
    if (this.streams.has(stream)) this.streams.set(stream, sink);
  }

  /** A channel on a stream that the caller will open. */
  newChannel(user: ChannelUser, push: (a: Action) => void): StreamChannel {
    const channel = new StreamChannel(this, this.nextStream++, user, push);
    this.streams.set(channel.stream, channel);
    return channel;
  }

  /** Reports nothing of the stream any more. False if nothing would have been. */
  forget(stream: StreamId): boolean {
    return this.streams.delete(stream);
  }

  /** Sends STOP_SENDING and forgets the stream. */
  stop(stream: StreamId, code: number): void {
    if (this.streams.delete(stream)) this.push({ kind: "stop", stream, code });
  }

  /** Begins a request. build gets its Request ID. Throws a RangeError for what cannot be sent. */
  openRequest(build: (requestId: number) => Request, user: RequestUser): OutgoingRequest {
    const request = build(this.nextRequest);
    const outgoing = new OutgoingRequest(this, request, user, (end) => this.control.open(request, end));
    // Only now: an ID that was not sent would be missing in the sequence of draft 16.
    this.takeRequestId();
    return outgoing;
  }

  takeRequestId(): number {
    const id = this.nextRequest;
    this.nextRequest += 2;
    return id;
  }

  /** True if we have made a request with this ID. */
  isOurRequest(id: U64): boolean {
    return typeof id === "number" && id < this.nextRequest && id % 2 === this.nextRequest % 2;
  }

  /** True if the peer has made a request with this ID. */
  isPeerRequest(id: U64): boolean {
    return this.peerRequests.used(id);
  }

  /** A request of the peer is complete: checks its ID and asks the application. */
  received(r: IncomingRequest): void {
    this.checkRequestId(r.request.requestId);
    if (this.config.onRequest === undefined) refuse(r);
    else this.config.onRequest(r);
  }

  /** Checks the ID of a request of the peer; a REQUEST_UPDATE counts as one. Throws WireError. */
  checkRequestId(id: U64): void {
    this.control.checkLimit(id);
    this.peerRequests.check(id);
  }

  after(ms: number, run: () => void): Timer {
    const timer = { at: this.now() + ms, run };
    this.timers.add(timer);
    return timer;
  }

  cancelTimer(t: Timer | undefined): void {
    if (t !== undefined) this.timers.delete(t);
  }

  /** Runs f and closes the session if f finds a fault of the peer. */
  guard(f: () => void): void {
    if (this.ended !== undefined) return;
    try {
      f();
    } catch (e) {
      if (!(e instanceof WireError)) throw e;
      this.fail(e);
    }
  }

  /** Closes the session for a fault of the peer. */
  fail(e: WireError): void {
    if (this.ended !== undefined) return;
    this.push({ kind: "close", code: e.code, reason: e.message });
    this.end(new MoqError("session", e.code, `${codeName(SessionError, e.code)}: ${e.message}`, { cause: e }), true);
  }

  private end(e: MoqError, report: boolean): void {
    if (this.ended !== undefined) return;
    this.ended = e;
    this.timers.clear();
    const sinks = [...this.streams.values()];
    this.streams.clear();
    for (const sink of sinks) sink.closed?.();
    if (report) this.config.onClosed?.(e);
  }

  /** A message of the peer on its control stream that belongs to no request. Throws WireError. */
  controlMessage(m: Message): void {
    if (this.ended !== undefined) return;
    if (this.setup === undefined) {
      if (m.type !== MessageType.SETUP) throw violation(`${messageName(m.type)} before SETUP`);
      this.receiveSetup(m);
    } else if (m.type === MessageType.GOAWAY) {
      this.receiveGoaway(m);
    } else {
      throw violation(`${messageName(m.type)} on the control stream`);
    }
  }

  private receiveSetup(m: Setup): void {
    // Over WebTransport nobody may send these, and a server never (moqt-18 §10.3.1.1, §10.3.1.2).
    if (m.path !== undefined) throw new WireError(SessionError.INVALID_PATH, "PATH over WebTransport");
    if (m.authority !== undefined) throw new WireError(SessionError.INVALID_AUTHORITY, "AUTHORITY over WebTransport");
    this.setup = m;
    this.config.onSetup?.(m);
    this.dataStreams.becameReady();
  }

  private receiveGoaway(m: Goaway): void {
    if (this.goaway) throw violation("a second GOAWAY on the control stream");
    if (this.draft.goawayRequestId && m.requestId === undefined) throw violation("GOAWAY on the control stream without a Request ID");
    if (m.requestId !== undefined && BigInt(m.requestId) % 2n !== BigInt(this.nextRequest) % 2n) {
      throw new WireError(SessionError.INVALID_REQUEST_ID, `GOAWAY with the Request ID ${m.requestId}, which is not ours`);
    }
    if (this.config.role === "server" && m.uri !== "") throw violation("GOAWAY of a client with a URI");
    this.goaway = true;
    this.config.onGoaway?.(m.uri, Number(m.timeout));
  }

  /** Sends GOAWAY on the control stream (moqt-18 §10.4). requestId is the first that was not processed; draft 18 tells it. */
  sendGoaway(uri: string, timeoutMs: number, requestId: number): void {
    this.control.sendGoaway({ type: MessageType.GOAWAY, uri, timeout: timeoutMs, requestId });
  }
}
