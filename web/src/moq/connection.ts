/**
 * One end of a MOQT session as a state machine without I/O.
 *
 * The transport tells it what arrived (streamOpened, data, fin, reset, stopped, datagram, transportClosed), runs its
 * timers (nextTimer, runTimers) and after each such call carries out what takeActions returns. Requests are made
 * through openRequest by the classes that know them: subscription.ts, fetch.ts and namespaces.ts.
 *
 * Both roles are here, so that two of them can talk to each other; a client refuses the requests it receives.
 */
import type { Action, StreamId, StreamSink, Timer } from "./actions.ts";
import { DataStreams } from "./datastreams.ts";
import { codeName, MoqError, SessionError } from "./errors.ts";
import { MessageParser } from "./parsers.ts";
import { IncomingRequest, PeerRequestIds, refuse, RequestStream, type RequestUser } from "./requests.ts";
import { violation, WireError } from "./wire/errors.ts";
import { encodeMessage } from "./wire/messages.ts";
import { type Goaway, type Message, MessageType, messageName, type Request, type Setup } from "./wire/types.ts";
import type { U64 } from "./wire/u64.ts";

export interface ConnectionConfig {
  role: "client" | "server";
  /** Name and version sent in SETUP (moqt-18 §10.3.1.5). */
  implementation: string;
  /** Milliseconds on the clock that the times of data are on. */
  now: () => number;
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
  private readonly control: StreamId;
  private nextStream: StreamId = 0;
  private nextRequest: number;
  private readonly peerRequests: PeerRequestIds;
  private setup: Setup | undefined;
  private peerControl = false;
  private goaway = false;
  private ended: MoqError | undefined;
  /** Unidirectional streams with objects, and datagrams. */
  readonly dataStreams: DataStreams;
  /** Bytes of streams and datagrams received. */
  bytesReceived = 0;

  /** Opens the control stream and sends SETUP. */
  constructor(private readonly config: ConnectionConfig) {
    const client = config.role === "client";
    this.nextRequest = client ? 0 : 1;
    this.peerRequests = new PeerRequestIds(client ? 1 : 0);
    this.dataStreams = new DataStreams(this);
    // Our side of the control pair never receives anything: it is ours to send on.
    this.control = this.openUni({ data() {}, fin() {}, reset() {}, stopped: () => this.fail(violation("the peer stopped our control stream")) });
    this.write(this.control, { type: MessageType.SETUP, implementation: config.implementation });
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
      this.streams.set(stream, bidirectional ? new IncomingRequest(this, stream) : this.dataStreams.open(stream));
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
    this.guard(() => this.streams.get(stream)?.reset(code));
  }

  /** The peer sent STOP_SENDING for a stream that we write to. */
  stopped(stream: StreamId, code: number): void {
    this.guard(() => this.streams.get(stream)?.stopped?.(code));
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

  push(a: Action): void {
    if (this.ended === undefined) this.actions.push(a);
  }

  write(stream: StreamId, m: Message): void {
    this.push({ kind: "write", stream, bytes: encodeMessage(m) });
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

  /** Reports nothing of the stream any more. */
  forget(stream: StreamId): void {
    this.streams.delete(stream);
  }

  /** Sends STOP_SENDING and forgets the stream. */
  stop(stream: StreamId, code: number): void {
    if (this.streams.delete(stream)) this.push({ kind: "stop", stream, code });
  }

  /** Begins a request. build gets its Request ID. */
  openRequest(build: (requestId: number) => Request, user: RequestUser): RequestStream {
    const request = build(this.takeRequestId());
    // Encoded first: a name that cannot be sent must not leave an open stream behind.
    const bytes = encodeMessage(request);
    const stream = new RequestStream(this, request, user);
    this.push({ kind: "write", stream: stream.id, bytes });
    return stream;
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

  /** A request of the peer is complete: checks its ID and asks the application. */
  received(r: IncomingRequest): void {
    this.peerRequests.check(r.request.requestId);
    if (this.config.onRequest === undefined) refuse(r);
    else this.config.onRequest(r);
  }

  /** Checks the ID of a REQUEST_UPDATE, which counts as a request. */
  checkRequestId(id: U64): void {
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

  private fail(e: WireError): void {
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

  /** The sink of the peer's control stream, from its first byte (moqt-18 §3.3). */
  openControl(stream: StreamId): StreamSink {
    if (this.peerControl) throw violation("a second control stream");
    this.peerControl = true;
    const parser = new MessageParser();
    return {
      data: (bytes) => parser.push(bytes, (m) => this.controlMessage(m)),
      fin: () => this.fail(violation("the peer closed its control stream")),
      reset: () => this.fail(violation(`the peer reset its control stream ${stream}`)),
    };
  }

  private controlMessage(m: Message): void {
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
    if (m.requestId === undefined) throw violation("GOAWAY on the control stream without a Request ID");
    if (BigInt(m.requestId) % 2n !== BigInt(this.nextRequest) % 2n) {
      throw new WireError(SessionError.INVALID_REQUEST_ID, `GOAWAY with the Request ID ${m.requestId}, which is not ours`);
    }
    if (this.config.role === "server" && m.uri !== "") throw violation("GOAWAY of a client with a URI");
    this.goaway = true;
    this.config.onGoaway?.(m.uri, Number(m.timeout));
  }

  /** Sends GOAWAY on the control stream (moqt-18 §10.4). requestId is the first that was not processed. */
  sendGoaway(uri: string, timeoutMs: number, requestId: number): void {
    this.write(this.control, { type: MessageType.GOAWAY, uri, timeout: timeoutMs, requestId });
  }
}
