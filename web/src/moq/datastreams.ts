/**
 * Unidirectional streams and datagrams: finds out what each is and whom it is for.
 *
 * Streams may overtake the message that explains them: objects come before SETUP or before the SUBSCRIBE_OK with
 * their alias. Such streams are parked: not read, so that flow control bounds what is kept, and given up after a
 * while (moqt-18 §3.3, §11.4.2).
 */
import type { StreamId, StreamSink, Timer } from "./actions.ts";
import type { Connection } from "./connection.ts";
import { ResetCode, SessionError } from "./errors.ts";
import { safeId } from "./objects.ts";
import { ByteQueue } from "./queue.ts";
import { type Datagram, parseDatagram } from "./wire/datagram.ts";
import { violation, WireError } from "./wire/errors.ts";
import { readFetchHeader } from "./wire/fetchstream.ts";
import { readStreamType, readSubgroupHeader, type SubgroupHeader } from "./wire/subgroup.ts";
import type { U64 } from "./wire/u64.ts";

/** How long a stream or datagram waits for what explains it. */
export const PARK_MS = 2000;
const MAX_PARKED_STREAMS = 128;
const MAX_PARKED_DATAGRAMS = 64;
/** Aliases remembered after their subscription ended, to turn late streams away at once. */
const MAX_RETIRED = 256;

/** Ends the reading of a stream: because it has ended, or, with a code, because it is not wanted. */
export type Leave = (code?: number) => void;

/** A subscription that has an alias. */
export interface TrackReceiver {
  /** The track in printable form. */
  readonly trackText: string;
  /** Others share the alias from now on: what comes may be meant for them (draft 19). */
  share(): void;
  /** A stream of it is here. */
  subgroup(h: SubgroupHeader, leave: Leave): StreamSink;
  datagram(d: Datagram, at: number): void;
  /** True once the publisher has said that it is done: its alias may belong to another track now. */
  readonly lingering: boolean;
  /** Ends a lingering subscription, because its alias is used again. */
  expel(): void;
}

/** A fetch whose objects are awaited. */
export interface FetchReceiver {
  /** False while its stream shall wait; then call DataStreams.fetchReady. */
  readonly ready: boolean;
  /** Its stream is here. Throws WireError if there was one before. */
  opened(stream: StreamId): StreamSink;
}

export class DataStreams {
  /** One for an alias, unless several subscriptions of a track share it (moqt-19 §5.1). */
  private readonly tracks = new Map<number, readonly TrackReceiver[]>();
  private readonly retired = new Set<number>();
  private readonly fetches = new Map<number, FetchReceiver>();
  private readonly parked = new Set<IncomingStream>();
  private parkedDatagrams: { datagram: Datagram; at: number }[] = [];
  private pendingSubscribes = 0;

  constructor(readonly connection: Connection) {}

  open(stream: StreamId): StreamSink {
    return new IncomingStream(this, stream);
  }

  /** The peer's SETUP is here: what came before it can be looked at. */
  becameReady(): void {
    this.retry();
  }

  /** A SUBSCRIBE was sent: streams with unknown aliases may be for it until subscribeAnswered. */
  subscribeSent(): void {
    this.pendingSubscribes++;
  }

  /** Call it after register. */
  subscribeAnswered(): void {
    this.pendingSubscribes--;
    this.retry();
    if (this.pendingSubscribes === 0) this.parkedDatagrams = [];
  }

  /** Gives objects with this alias to the receiver, also those that waited. Throws WireError if it is taken (moqt-18 §11.1). */
  register(alias: U64, receiver: TrackReceiver): void {
    const id = safeId(alias, "track alias");
    for (const holder of this.tracks.get(id) ?? []) {
      if (holder.lingering) holder.expel();
      else if (!this.connection.draft.sharedTracks || holder.trackText !== receiver.trackText) {
        throw new WireError(SessionError.DUPLICATE_TRACK_ALIAS, `the track alias ${id} is in use`);
      }
    }
    this.retired.delete(id);
    const receivers = [...(this.tracks.get(id) ?? []), receiver];
    this.tracks.set(id, receivers);
    if (receivers.length > 1) for (const r of receivers) r.share();
    const datagrams = this.parkedDatagrams;
    this.parkedDatagrams = datagrams.filter((p) => p.datagram.trackAlias !== id);
    for (const p of datagrams) if (p.datagram.trackAlias === id) receiver.datagram(p.datagram, p.at);
  }

  /** The subscription is over: what still comes is turned away. */
  retire(alias: U64, receiver: TrackReceiver): void {
    if (typeof alias !== "number") return;
    const receivers = this.tracks.get(alias) ?? [];
    const others = receivers.filter((r) => r !== receiver);
    if (others.length === receivers.length) return;
    this.tracks.set(alias, others);
    if (others.length > 0) return;
    this.tracks.delete(alias);
    this.retired.add(alias);
    const [oldest] = this.retired;
    if (this.retired.size > MAX_RETIRED && oldest !== undefined) this.retired.delete(oldest);
  }

  expectFetch(requestId: number, receiver: FetchReceiver): void {
    this.fetches.set(requestId, receiver);
  }

  dropFetch(requestId: number): void {
    this.fetches.delete(requestId);
    this.retry();
  }

  fetchReady(): void {
    this.retry();
  }

  datagram(bytes: Uint8Array, at: number): void {
    const d = parseDatagram(bytes, this.connection.draft);
    if (d === "padding") return;
    const receivers = this.tracks.get(safeId(d.trackAlias, "track alias"));
    if (receivers !== undefined) {
      for (const receiver of receivers) receiver.datagram(d, at);
      return;
    }
    if (this.pendingSubscribes === 0) return;
    this.parkedDatagrams = this.parkedDatagrams.filter((p) => at - p.at < PARK_MS).slice(1 - MAX_PARKED_DATAGRAMS);
    this.parkedDatagrams.push({ datagram: { ...d, properties: d.properties.slice(), payload: d.payload.slice() }, at });
  }

  /**
   * What to do with a stream: its sink; "wait" for a message that may explain it; "refuse" it because none can.
   * Undefined until its header is complete.
   */
  route(stream: StreamId, queue: ByteQueue): StreamSink | "wait" | "refuse" | undefined {
    const type = queue.peek(readStreamType);
    if (type === undefined) return undefined;
    if (type.kind === "setup") return this.connection.control.uni(stream);
    if (type.kind === "padding") return discard;
    if (!this.connection.ready) return "wait";
    if (type.kind === "fetch") return this.routeFetch(stream, queue);
    const header = queue.peek(readSubgroupHeader);
    if (header === undefined) return undefined;
    const alias = safeId(header.trackAlias, "track alias");
    const receivers = this.tracks.get(alias);
    if (receivers === undefined) return this.pendingSubscribes > 0 ? "wait" : "refuse";
    queue.read(readSubgroupHeader);
    const leave: Leave = (code) => void (code === undefined ? this.connection.forget(stream) : this.connection.stop(stream, code));
    const [only, ...others] = receivers;
    return only !== undefined && others.length === 0 ? only.subgroup(header, leave) : tee(receivers, header, leave);
  }

  private routeFetch(stream: StreamId, queue: ByteQueue): StreamSink | "wait" | "refuse" | undefined {
    const requestId = queue.peek(readFetchHeader);
    if (requestId === undefined) return undefined;
    if (!this.connection.isOurRequest(requestId)) throw violation(`objects for the fetch ${requestId}, which was never made`);
    const receiver = this.fetches.get(requestId as number);
    if (receiver === undefined) return "refuse";
    if (!receiver.ready) return "wait";
    queue.read(readFetchHeader);
    return receiver.opened(stream);
  }

  /** Makes room for s among the parked streams. */
  park(s: IncomingStream): void {
    this.parked.add(s);
    const [oldest] = this.parked;
    if (this.parked.size > MAX_PARKED_STREAMS) oldest?.giveUp();
  }

  unpark(s: IncomingStream): void {
    this.parked.delete(s);
  }

  private retry(): void {
    for (const s of [...this.parked]) s.retry();
  }
}

/**
 * Gives everything to all of them: which one a stream is for cannot be told, and each knows what it has. It ends when
 * the last of them leaves it.
 */
function tee(receivers: readonly TrackReceiver[], header: SubgroupHeader, leave: Leave): StreamSink {
  const sinks = new Map<TrackReceiver, StreamSink>();
  for (const r of receivers) {
    sinks.set(
      r,
      r.subgroup(header, (code) => {
        sinks.delete(r);
        if (sinks.size === 0) leave(code);
      }),
    );
  }
  const each = (f: (s: StreamSink) => void) => [...sinks.values()].forEach(f);
  return {
    data: (bytes, at) => each((s) => s.data(bytes, at)),
    fin: (at) => each((s) => s.fin(at)),
    reset: (code) => each((s) => s.reset(code)),
  };
}

const discard: StreamSink = { data() {}, fin() {}, reset() {} };

/** A stream whose purpose is not known yet. */
class IncomingStream implements StreamSink {
  private readonly queue: ByteQueue;
  private at = 0;
  /** Set while parked. */
  private timer: Timer | undefined;
  private end: { fin: true } | { fin: false; code: number } | undefined;

  constructor(
    private readonly streams: DataStreams,
    private readonly id: StreamId,
  ) {
    this.queue = new ByteQueue(streams.connection.draft);
  }

  data(bytes: Uint8Array, at: number): void {
    this.queue.push(bytes);
    this.at = at;
    if (this.timer === undefined) this.look();
  }

  fin(at: number): void {
    this.at = at;
    this.end = { fin: true };
    if (this.timer === undefined) this.look();
  }

  reset(code: number): void {
    this.end = { fin: false, code };
    if (this.timer === undefined) this.look();
  }

  retry(): void {
    if (this.timer !== undefined) this.look();
  }

  private look(): void {
    const { connection } = this.streams;
    const found = this.streams.route(this.id, this.queue);
    if (found === "wait") return this.park();
    const parked = this.unpark();
    if (found === "refuse") return connection.stop(this.id, ResetCode.CANCELLED);
    if (found === undefined) {
      // Without its header a reset stream means nothing; a finished one is a fault.
      if (this.end?.fin === true) throw violation("stream ends inside its header");
      if (this.end !== undefined) connection.forget(this.id);
      else if (parked) connection.push({ kind: "resume", stream: this.id });
      return;
    }
    connection.handOver(this.id, found);
    if (this.queue.length > 0) found.data(this.queue.takeAll(), this.at);
    if (this.end?.fin === true) found.fin(this.at);
    else if (this.end !== undefined) found.reset(this.end.code);
    else if (parked) connection.push({ kind: "resume", stream: this.id });
  }

  private park(): void {
    if (this.timer !== undefined) return;
    const { connection } = this.streams;
    this.timer = connection.after(PARK_MS, () => this.giveUp());
    this.streams.park(this);
    if (this.end === undefined) connection.push({ kind: "pause", stream: this.id });
  }

  /** Reports whether it was parked. */
  private unpark(): boolean {
    if (this.timer === undefined) return false;
    this.streams.connection.cancelTimer(this.timer);
    this.timer = undefined;
    this.streams.unpark(this);
    return true;
  }

  /** Nothing explained the stream in time. */
  giveUp(): void {
    this.unpark();
    this.streams.connection.stop(this.id, ResetCode.CANCELLED);
  }
}
