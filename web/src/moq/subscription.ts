/**
 * A subscription from SUBSCRIBE to its end (moqt-18 §5.1, §10.7 to §10.12). What was published before it comes by a
 * joining FETCH, from draft 20 on by a fill, which the SUBSCRIBE itself asks for.
 */
import type { StreamSink, Timer } from "./actions.ts";
import type { Connection } from "./connection.ts";
import type { Leave, TrackReceiver } from "./datastreams.ts";
import { codeName, MoqError, PublishDoneCode, RequestError, ResetCode } from "./errors.ts";
import { FetchRequest } from "./fetch.ts";
import { type FetchOutput, FetchStream } from "./fetchstream.ts";
import { MalformedTrack, safeId, toObject, toProperties, unusable } from "./objects.ts";
import { TrackOrder } from "./order.ts";
import { type OutgoingRequest, requestError, type RequestUser, unansweredError } from "./requests.ts";
import { SubgroupStream } from "./subgroupstream.ts";
import type { Location, MoqObject, Property, SubscribeOptions, TrackHandler, TrackName } from "./types.ts";
import { Updates } from "./updates.ts";
import type { Datagram } from "./wire/datagram.ts";
import { violation } from "./wire/errors.ts";
import { FilterType, type WireLocation } from "./wire/filter.ts";
import { trackNameText } from "./wire/names.ts";
import type { Parameters } from "./wire/params.ts";
import { parseKeyValues, trackInfo } from "./wire/properties.ts";
import type { SubgroupHeader } from "./wire/subgroup.ts";
import { type Message, MessageType, messageName, type PublishDone, type SubscribeOk } from "./wire/types.ts";
import type { U64 } from "./wire/u64.ts";

/** How long late streams are waited for after PUBLISH_DONE (moqt-18 §10.11). */
export const LINGER_MS = 2000;
/** How long a joining fetch may make no progress before it is given up. */
export const JOIN_STALL_MS = 3000;

/** Where the objects from before the subscription come from. */
interface Join {
  cancel(): void;
  /** Lets the stream with the objects in. */
  release(): void;
}

/** Told once how the request went. */
export interface Settled {
  established(): void;
  failed(e: MoqError): void;
}

export class TrackSubscription implements RequestUser, TrackReceiver {
  private state: "pending" | "established" | "done" = "pending";
  private readonly request: OutgoingRequest;
  private readonly order: TrackOrder;
  private readonly open = new Set<SubgroupStream>();
  private join: Join | undefined;
  private joinTimer: Timer | undefined;
  private readonly joinGroups: number | undefined;
  private joinTries = 0;
  /** Set if the joining fetch has to be made again when the subscription is established. */
  private joinLater: (() => void) | undefined;
  private alias: U64 | undefined;
  private streamsSeen = 0;
  private publishDone: PublishDone | undefined;
  private readonly updates: Updates;
  private readonly nextGroup: boolean;
  readonly trackText: string;
  private sharing = false;
  /** Of objects that name none. */
  defaultPriority = 128;
  largest: Location | undefined;
  properties: Property[] = [];

  constructor(
    readonly connection: Connection,
    track: TrackName,
    o: SubscribeOptions,
    private readonly handler: TrackHandler,
    private readonly settled: Settled,
  ) {
    this.joinGroups = o.joinGroups;
    this.order = new TrackOrder({
      object: (object) => this.state !== "done" && handler.onObject(object),
      groupEnd: (group, complete) => this.state !== "done" && handler.onGroupEnd?.(group, complete),
      overflow: () => this.endJoin(true),
      after: (ms, run) => connection.after(ms, run),
      cancelTimer: (t) => connection.cancelTimer(t),
    });
    this.nextGroup = o.filter === "nextGroup" && o.joinGroups === undefined;
    const params: Parameters = { filter: { type: this.nextGroup ? FilterType.NEXT_GROUP : FilterType.LARGEST_OBJECT } };
    if (o.priority !== undefined) params.subscriberPriority = o.priority;
    const { fill } = connection.draft;
    // The fill ends with the largest object; the filter counts groups back from the next one.
    if (fill && o.joinGroups !== undefined) params.fillParameters = { filter: { type: FilterType.RELATIVE_GROUP, groups: o.joinGroups + 1 } };
    const text = new TextEncoder();
    const wireTrack = { namespace: track.namespace.map((f) => text.encode(f)), name: text.encode(track.name) };
    this.trackText = trackNameText(wireTrack);
    this.request = connection.openRequest((requestId) => ({ type: MessageType.SUBSCRIBE, requestId, track: wireTrack, params }), this);
    this.updates = new Updates(connection, this.request);
    connection.dataStreams.subscribeSent();
    if (this.joinGroups === undefined) return;
    if (fill) this.join = new FetchStream(connection, this.request.requestId, this.joined((e) => this.endJoin(e !== undefined)), false);
    else this.startJoin(this.joinGroups, o.joinPriority ?? o.priority);
  }

  private joined(done: (e?: MoqError) => void): FetchOutput {
    return {
      object: (o) => {
        this.watchJoin();
        this.order.fetched(o);
      },
      unknown: (to) => this.order.fetchUnknown(to),
      done: (e) => {
        this.join = undefined;
        done(e);
      },
      // PUBLISH_DONE counts a fill among the streams of the subscription, which a fetch is not.
      opened: () => this.connection.draft.fill && this.streamsSeen++,
    };
  }

  private startJoin(groups: number, priority: number | undefined): void {
    this.joinTries++;
    const params: Parameters = priority === undefined ? {} : { subscriberPriority: priority };
    this.join = new FetchRequest(
      this.connection,
      (requestId) => ({ type: MessageType.FETCH, requestId, kind: 2, joiningRequestId: this.request.requestId, joiningStart: groups, params }),
      this.joined((e) => {
        if (e?.code === RequestError.INVALID_JOINING_REQUEST_ID && this.joinTries < 2) this.retryJoin(groups, priority);
        else this.endJoin(e !== undefined);
      }),
      this.state === "established",
    );
  }

  /**
   * The FETCH overtook the SUBSCRIBE, which is on another stream, and the publisher did not know the subscription.
   * Once SUBSCRIBE_OK is here that cannot happen.
   */
  private retryJoin(groups: number, priority: number | undefined): void {
    if (this.state === "established") this.startJoin(groups, priority);
    else this.joinLater = () => this.startJoin(groups, priority);
  }

  /** Starts the time without progress again. */
  private watchJoin(): void {
    this.connection.cancelTimer(this.joinTimer);
    this.joinTimer = this.connection.after(JOIN_STALL_MS, () => this.endJoin(true));
  }

  private endJoin(lost: boolean): void {
    this.connection.cancelTimer(this.joinTimer);
    this.join?.cancel();
    this.join = undefined;
    this.order.endFetch(lost);
    this.checkDone();
  }

  /** Resolves when the publisher has accepted. */
  update(p: { priority?: number; forward?: boolean }): Promise<void> {
    if (this.state !== "established" || this.publishDone !== undefined) {
      return Promise.reject(new MoqError("request", RequestError.INTERNAL_ERROR, "the subscription is not established"));
    }
    const params: Parameters = {};
    if (p.priority !== undefined) params.subscriberPriority = p.priority;
    if (p.forward !== undefined) params.forward = p.forward;
    return this.updates.add(params);
  }

  /** Ends the subscription from our side; the handler is not called any more. */
  close(): void {
    if (this.state === "done") return;
    const wasPending = this.state === "pending";
    this.request.cancel();
    this.letGo(new MoqError("request", RequestError.INTERNAL_ERROR, "the subscription was closed"));
    if (wasPending) this.connection.dataStreams.subscribeAnswered();
  }

  // RequestUser

  message(m: Message): void {
    if (m.type === MessageType.GOAWAY) return this.handler.onGoaway?.(m.uri, Number(m.timeout));
    if (this.state === "pending") {
      if (m.type === MessageType.SUBSCRIBE_OK) return this.accepted(m);
      if (m.type === MessageType.REQUEST_ERROR) return this.refused(requestError(m));
    } else if (this.publishDone === undefined) {
      if (m.type === MessageType.PUBLISH_DONE) return this.publisherDone(m);
      if (m.type === MessageType.REQUEST_OK) return this.updates.accepted(m);
      // One error may answer several updates, and ends the subscription (moqt-18 §10.9.1).
      if (m.type === MessageType.REQUEST_ERROR) return this.updates.reject(requestError(m));
      // It tells of changes that nobody here has asked for (draft 20).
      if (m.type === MessageType.PUBLISH_STATE_NOTIFY) return;
    }
    throw violation(`${messageName(m.type)} has no place in a subscription that is ${this.publishDone === undefined ? this.state : "over"}`);
  }

  private accepted(m: SubscribeOk): void {
    const { draft } = this.connection;
    const pairs = parseKeyValues(m.trackProperties);
    const info = trackInfo(pairs, draft);
    const useless = unusable(info, draft);
    if (useless !== undefined) {
      this.request.cancel();
      return this.refused(useless);
    }
    try {
      this.properties = toProperties(pairs);
    } catch (e) {
      if (!(e instanceof MalformedTrack)) throw e;
      this.request.cancel();
      return this.refused(new MoqError("request", RequestError.MALFORMED_TRACK, e.message));
    }
    this.defaultPriority = info.publisherPriority;
    const largest = m.params.largestObject;
    if (largest !== undefined) this.largest = { group: safeId(largest.group, "group ID"), object: safeId(largest.object, "object ID") };
    this.state = "established";
    this.alias = m.trackAlias;
    this.joinLater?.();
    if (this.join !== undefined && this.joinGroups !== undefined && this.largest !== undefined) {
      this.order.beginFetch(Math.max(0, this.largest.group - this.joinGroups), this.largest);
      this.watchJoin();
    }
    // Without an object there is nothing to fill, and no stream comes for it.
    if (draft.fill && this.largest === undefined) this.endJoin(false);
    this.settled.established();
    this.connection.dataStreams.register(m.trackAlias, this);
    this.connection.dataStreams.subscribeAnswered();
    this.join?.release();
  }

  private refused(e: MoqError): void {
    this.request.finish();
    this.letGo(e);
    this.connection.dataStreams.subscribeAnswered();
    this.settled.failed(e);
  }

  private publisherDone(m: PublishDone): void {
    this.publishDone = m;
    this.request.finish();
    this.connection.after(LINGER_MS, () => this.done(m));
    this.checkDone();
  }

  ended(code?: number): void {
    if (this.publishDone !== undefined) return;
    if (this.state === "pending") return this.refused(unansweredError(code));
    if (this.state === "done") return;
    // These codes mean the same in both tables (moqt-18 §15.10.3, §15.10.4).
    const same: readonly (number | undefined)[] = [ResetCode.GOING_AWAY, ResetCode.TOO_FAR_BEHIND, ResetCode.EXCESSIVE_LOAD, ResetCode.MALFORMED_TRACK];
    const done = same.includes(code) ? (code as number) : PublishDoneCode.INTERNAL_ERROR;
    const reason = code === undefined ? "the relay ended the subscription without saying why" : `the relay cancelled the subscription: ${codeName(ResetCode, code)}`;
    this.finish(done, reason);
  }

  closed(e: MoqError): void {
    if (this.state === "done") return;
    const { state } = this;
    this.state = "done";
    this.order.discard();
    this.updates.reject(e);
    if (state === "pending") this.settled.failed(e);
    else this.handler.onDone(PublishDoneCode.INTERNAL_ERROR, e.message);
  }

  // TrackReceiver

  share(): void {
    this.sharing = true;
  }

  get lingering(): boolean {
    return this.publishDone !== undefined;
  }

  expel(): void {
    if (this.publishDone !== undefined) this.done(this.publishDone);
  }

  subgroup(h: SubgroupHeader, leave: Leave): StreamSink {
    this.streamsSeen++;
    const s = new SubgroupStream(this, h, leave);
    this.open.add(s);
    this.order.opened(s);
    return s;
  }

  datagram(d: Datagram, at: number): void {
    const group = safeId(d.group, "group ID");
    const { id, status, properties } = d;
    if (this.isOthers({ group, object: id })) return;
    this.checked(() => {
      const priority = d.priority ?? this.defaultPriority;
      this.order.datagram(toObject({ group, subgroup: 0, id, priority, status, properties, payload: d.payload.slice(), at }, this.connection.draft));
    });
  }

  // For SubgroupStream.

  /** Delivers the object at this location, or ends the subscription if the track is malformed (moqt-18 §2.4.2). */
  object(at: WireLocation, make: () => MoqObject): void {
    if (!this.isOthers(at)) this.checked(() => this.order.live(make()));
  }

  /** True for an object that does not pass our filter, but that of a subscription with the same alias (moqt-19 §5.1). */
  private isOthers({ group, object }: WireLocation): boolean {
    if (!this.sharing || this.largest === undefined) return false;
    if (group !== this.largest.group) return group < this.largest.group;
    return this.nextGroup || object <= this.largest.object;
  }

  streamClosed(s: SubgroupStream, end: { lost: boolean; endOfGroup: boolean }): void {
    if (!this.open.delete(s)) return;
    this.order.closed(s, end);
    this.checkDone();
  }

  private checked(f: () => void): void {
    if (this.state !== "established") return;
    try {
      f();
    } catch (e) {
      if (!(e instanceof MalformedTrack)) throw e;
      this.request.cancel();
      this.finish(PublishDoneCode.MALFORMED_TRACK, e.message);
    }
  }

  /** After PUBLISH_DONE: ends when all that was announced is here. With a shared alias that cannot be told. */
  private checkDone(): void {
    const m = this.publishDone;
    if (m === undefined || this.open.size > 0 || this.join !== undefined || this.streamsSeen < m.streamCount || this.sharing) return;
    this.done(m);
  }

  private done(m: PublishDone): void {
    const name = codeName(PublishDoneCode, m.code);
    this.finish(name.startsWith("0x") ? PublishDoneCode.INTERNAL_ERROR : Number(m.code), m.reason === "" ? name : m.reason);
  }

  private finish(code: number, reason: string): void {
    if (this.state === "done") return;
    this.join?.cancel();
    this.join = undefined;
    this.order.finish();
    // The handler may have closed us.
    if ((this.state as string) === "done") return;
    this.letGo(new MoqError("request", RequestError.INTERNAL_ERROR, reason));
    this.handler.onDone(code, reason);
  }

  /** Leaves nothing behind in the connection. */
  private letGo(e: MoqError): void {
    this.state = "done";
    this.connection.cancelTimer(this.joinTimer);
    this.join?.cancel();
    this.join = undefined;
    this.order.discard();
    for (const s of this.open) s.leave(ResetCode.CANCELLED);
    this.open.clear();
    if (this.alias !== undefined) this.connection.dataStreams.retire(this.alias, this);
    this.updates.reject(e);
  }
}
