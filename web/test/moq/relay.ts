/** A scripted relay for tests: the server's end of a Pair, which answers requests as a test tells it. */
import { test } from "node:test";
import type { StreamId } from "../../src/moq/actions.ts";
import type { Connection } from "../../src/moq/connection.ts";
import type { IncomingRequest } from "../../src/moq/requests.ts";
import { type MoqError } from "../../src/moq/errors.ts";
import { TrackSubscription } from "../../src/moq/subscription.ts";
import type { MoqObject, SubscribeOptions, TrackHandler, TrackName } from "../../src/moq/types.ts";
import { Writer } from "../../src/moq/wire/buffer.ts";
import { type Draft, DRAFTS } from "../../src/moq/wire/draft.ts";
import { type FetchCursor, type FetchItem, nextCursor, writeFetchHeader, writeFetchItem } from "../../src/moq/wire/fetchstream.ts";
import type { Parameters } from "../../src/moq/wire/params.ts";
import { type SubgroupHeader, writeSubgroupHeader, writeSubgroupObject } from "../../src/moq/wire/subgroup.ts";
import { type Message, MessageType } from "../../src/moq/wire/types.ts";
import type { U64 } from "../../src/moq/wire/u64.ts";
import { type End, Pair, type PairOptions } from "./pair.ts";

/** One test for each draft, or for those in which there is such a thing. */
export function each(name: string, run: (draft: Draft) => void | Promise<void>, has: (draft: Draft) => boolean = () => true): void {
  for (const draft of DRAFTS.filter(has)) test(`draft ${draft.number}: ${name}`, () => run(draft));
}

const ignore = { data() {}, fin() {}, reset() {} };

/** A unidirectional stream of the relay. */
export class Sender {
  readonly stream: StreamId;
  /** STOP_SENDING of the client. */
  stoppedWith: number | undefined;
  private readonly connection: Connection;

  constructor(connection: Connection) {
    this.connection = connection;
    this.stream = connection.openUni({ ...ignore, stopped: (code) => (this.stoppedWith = code) });
  }

  write(fill: (w: Writer) => void): this {
    const w = new Writer(this.connection.draft);
    fill(w);
    this.connection.push({ kind: "write", stream: this.stream, bytes: w.bytes() });
    return this;
  }

  fin(): void {
    this.connection.push({ kind: "finish", stream: this.stream });
  }

  reset(code: number): void {
    this.connection.push({ kind: "reset", stream: this.stream, code });
  }
}

/** A subgroup stream. */
export class SubgroupSender extends Sender {
  private previous: U64 | undefined;
  readonly header: SubgroupHeader;

  constructor(connection: Connection, h: Partial<SubgroupHeader> & { trackAlias: U64; group: U64 }) {
    super(connection);
    this.header = { mode: "zero", subgroup: 0, hasProperties: false, endOfGroup: false, firstObject: false, ...h };
    this.write((w) => writeSubgroupHeader(w, this.header));
  }

  /** Sends objects with the payloads of text(). */
  objects(...ids: number[]): this {
    for (const id of ids) this.object(id, text(Number(this.header.group), id));
    return this;
  }

  object(id: number, payload: Uint8Array, more: { status?: number; properties?: Uint8Array } = {}): this {
    const properties = more.properties ?? new Uint8Array();
    this.write((w) => {
      writeSubgroupObject(w, this.header.hasProperties, this.previous, { id, status: more.status ?? 0, properties, payloadLength: payload.length });
      w.raw(payload);
    });
    this.previous = id;
    return this;
  }
}

/** The stream that answers a FETCH. */
export class FetchSender extends Sender {
  private cursor: FetchCursor = { descending: false };

  constructor(connection: Connection, requestId: U64) {
    super(connection);
    this.write((w) => writeFetchHeader(w, requestId));
  }

  objects(group: number, ...ids: number[]): this {
    for (const id of ids) {
      const payload = text(group, id);
      this.item({ kind: "object", group, id, subgroup: 0, datagram: false, priority: 7, hasProperties: false, properties: new Uint8Array(), payloadLength: payload.length }, payload);
    }
    return this;
  }

  item(item: FetchItem, payload: Uint8Array = new Uint8Array()): this {
    this.write((w) => {
      writeFetchItem(w, this.cursor, item);
      w.raw(payload);
    });
    this.cursor = nextCursor(this.cursor, item);
    return this;
  }
}

/** The payload of an object in these tests. */
export function text(group: number, object: number): Uint8Array {
  return new TextEncoder().encode(`${group}/${object}`);
}

export class TestRelay {
  readonly pair: Pair;
  readonly requests: IncomingRequest[] = [];

  constructor(o: PairOptions = {}) {
    this.pair = new Pair({ ...o, server: { onRequest: (r) => void this.requests.push(r), ...o.server } });
  }

  get client(): Connection {
    return this.pair.client.connection;
  }

  get server(): Connection {
    return this.pair.server.connection;
  }

  get clientEnd(): End {
    return this.pair.client;
  }

  /** The only request of that type. Also takes later messages into `messages`. */
  request(type: number): IncomingRequest & { messages: Message[]; endedWith: number | null | undefined } {
    this.pair.run();
    const found = this.requests.filter((r) => r.request.type === type);
    if (found.length !== 1) throw new Error(`${found.length} requests of type ${type}`);
    const r = found[0] as IncomingRequest & { messages: Message[]; endedWith: number | null | undefined };
    if (r.messages === undefined) {
      r.messages = [];
      r.onMessage = (m) => void r.messages.push(m);
      r.onEnded = (code) => (r.endedWith ??= code ?? null);
    }
    return r;
  }

  accept(trackAlias: U64, params: Parameters = {}, trackProperties: Uint8Array = new Uint8Array()): void {
    this.request(MessageType.SUBSCRIBE).send({ type: MessageType.SUBSCRIBE_OK, trackAlias, params, trackProperties });
  }

  subgroup(h: Partial<SubgroupHeader> & { trackAlias: U64; group: U64 }): SubgroupSender {
    return new SubgroupSender(this.server, h);
  }

  fetchStream(): FetchSender {
    return new FetchSender(this.server, this.request(MessageType.FETCH).request.requestId);
  }

  /** The stream with the objects from before a subscription: of the joining fetch, or of the fill. */
  joinStream(): FetchSender {
    const type = this.pair.draft.fill ? MessageType.SUBSCRIBE : MessageType.FETCH;
    return new FetchSender(this.server, this.request(type).request.requestId);
  }

  done(code: number, streamCount: U64, reason = ""): void {
    const r = this.request(MessageType.SUBSCRIBE);
    r.send({ type: MessageType.PUBLISH_DONE, code, streamCount, reason });
    r.finish();
  }
}

export const track: TrackName = { namespace: ["live", "room"], name: "video" };

/** Writes down what it is told, as "object 1/0", "end 1 complete", "done 2 reason". */
export class Recorder implements TrackHandler {
  readonly log: string[] = [];
  readonly objects: MoqObject[] = [];
  onObject(o: MoqObject): void {
    this.objects.push(o);
    this.log.push(`object ${o.group}/${o.object}`);
  }
  onGroupEnd(group: number, complete: boolean): void {
    this.log.push(`end ${group} ${complete ? "complete" : "lost"}`);
  }
  onDone(code: number, reason: string): void {
    this.log.push(`done ${code} ${reason}`);
  }
  onGoaway(uri: string, timeoutMs: number): void {
    this.log.push(`goaway ${uri} ${timeoutMs}`);
  }
  /** What was said since the last call. */
  take(): string[] {
    return this.log.splice(0);
  }
}

/** A subscription of the client, and what became of it. */
export interface Subscribed {
  relay: TestRelay;
  recorder: Recorder;
  subscription: TrackSubscription;
  /** "established", or the error. */
  settled: () => "established" | MoqError | undefined;
}

export function subscribe(o: SubscribeOptions = {}, pair: PairOptions = {}): Subscribed {
  const relay = new TestRelay(pair);
  const recorder = new Recorder();
  let settled: "established" | MoqError | undefined;
  const subscription = new TrackSubscription(relay.client, track, o, recorder, {
    established: () => (settled = "established"),
    failed: (e) => (settled = e),
  });
  relay.pair.run();
  return { relay, recorder, subscription, settled: () => settled };
}
