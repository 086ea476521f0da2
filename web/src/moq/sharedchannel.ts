/** A request among others on the control stream of draft 16 (moqt-16 §9). */
import type { Channel, ChannelUser } from "./channel.ts";
import { PublishDoneCode, RequestError, ResetCode } from "./errors.ts";
import type { SharedControl } from "./sharedcontrol.ts";
import { violation } from "./wire/errors.ts";
import { type Message, MessageType, messageName, type PublishDone, type Request, type RequestUpdate, UNKNOWN_STREAM_COUNT } from "./wire/types.ts";
import type { U64 } from "./wire/u64.ts";

const {
  SUBSCRIBE, PUBLISH, FETCH, PUBLISH_NAMESPACE, TRACK_STATUS, PUBLISH_OK, REQUEST_OK, REQUEST_ERROR, REQUEST_UPDATE, PUBLISH_DONE, UNSUBSCRIBE, FETCH_CANCEL,
  PUBLISH_NAMESPACE_DONE, PUBLISH_NAMESPACE_CANCEL,
} = MessageType;

export class SharedChannel implements Channel {
  /** The request itself was answered. */
  private answered = false;
  private finished = false;
  private over = false;
  /** IDs of the peer's updates that wait for our answer, oldest first. */
  private readonly peerUpdates: U64[] = [];

  constructor(
    private readonly control: SharedControl,
    readonly request: Request,
    readonly user: ChannelUser,
    /** We made the request. */
    readonly mine: boolean,
  ) {}

  // Channel

  send(m: Message): void {
    if (this.over || this.finished) return;
    const { requestId } = this.request;
    switch (m.type) {
      case REQUEST_UPDATE:
        return this.control.sendUpdate(this, { ...m, existingId: requestId });
      case PUBLISH_DONE:
        this.control.sendFor(requestId, { ...m, requestId });
        return this.end();
      case MessageType.SUBSCRIBE_OK:
      case MessageType.FETCH_OK:
      case REQUEST_OK:
      case REQUEST_ERROR:
        return this.sendAnswer(m);
      default:
        throw new RangeError(`${messageName(m.type)} cannot be sent about ${messageName(this.request.type)}`);
    }
  }

  /** Answers the request, and after that its updates in the order in which they came. */
  private sendAnswer(m: Extract<Message, { type: typeof REQUEST_OK | typeof REQUEST_ERROR | typeof MessageType.SUBSCRIBE_OK | typeof MessageType.FETCH_OK }>): void {
    const { request } = this;
    if (this.answered || this.mine) {
      const requestId = this.peerUpdates.shift();
      if (requestId !== undefined) this.control.send({ ...m, requestId });
      return;
    }
    this.answered = true;
    const { requestId } = request;
    if (m.type === REQUEST_OK && request.type === PUBLISH) this.control.send({ type: PUBLISH_OK, requestId, params: m.params });
    else this.control.send({ ...m, requestId });
    if (m.type === REQUEST_ERROR || request.type === TRACK_STATUS) this.end();
  }

  finish(): void {
    this.finished = true;
    this.endFetch();
  }

  cancel(): void {
    if (this.over) return;
    const m = this.mine ? this.withdrawal() : this.refusal();
    if (m !== undefined) this.control.sendFor(this.request.requestId, m);
    this.end();
  }

  /** What gives up a request of ours. */
  private withdrawal(): Message | undefined {
    const { requestId, type } = this.request;
    if (type === SUBSCRIBE) return { type: UNSUBSCRIBE, requestId };
    if (type === FETCH) return { type: FETCH_CANCEL, requestId };
    if (type === PUBLISH_NAMESPACE) return { type: PUBLISH_NAMESPACE_DONE, requestId };
    return type === PUBLISH ? this.publishDone() : undefined;
  }

  /** What gives up a request of the peer. */
  private refusal(): Message | undefined {
    const { requestId, type } = this.request;
    const failed = { code: RequestError.INTERNAL_ERROR, reason: "" };
    if (!this.answered) return { type: REQUEST_ERROR, requestId, ...failed };
    if (type === PUBLISH) return { type: UNSUBSCRIBE, requestId };
    if (type === PUBLISH_NAMESPACE) return { type: PUBLISH_NAMESPACE_CANCEL, requestId, ...failed };
    return type === SUBSCRIBE ? this.publishDone() : undefined;
  }

  private publishDone(): PublishDone {
    const { requestId } = this.request;
    return { type: PUBLISH_DONE, requestId, code: PublishDoneCode.INTERNAL_ERROR, streamCount: UNKNOWN_STREAM_COUNT, reason: "" };
  }

  private end(): void {
    this.over = true;
    this.control.drop(this);
  }

  /** A fetch is over when it is answered and we have all that we want of it, or have sent it. */
  private endFetch(): void {
    if (this.request.type === FETCH && this.answered && this.finished && !this.over) this.end();
  }

  // For SharedControl. All throw WireError.

  /** The answer to our request. */
  answer(m: Message): void {
    if (this.answered) throw violation(`a second answer to ${messageName(this.request.type)}`);
    this.answered = true;
    const { type } = this.request;
    if ((m.type === PUBLISH_OK) !== (type === PUBLISH) && m.type !== REQUEST_ERROR) throw violation(`${messageName(m.type)} answers ${messageName(type)}`);
    const last = m.type === REQUEST_ERROR || type === TRACK_STATUS;
    if (last) this.end();
    this.user.message(m.type === PUBLISH_OK ? { type: REQUEST_OK, params: m.params, trackProperties: new Uint8Array() } : m);
    if (last) this.user.ended();
    else this.endFetch();
  }

  /** A REQUEST_UPDATE of the peer: of its own request, or of the subscription that our PUBLISH began. */
  update(m: RequestUpdate): void {
    if (this.request.type === TRACK_STATUS || (this.mine && this.request.type !== PUBLISH)) throw violation(`REQUEST_UPDATE of ${messageName(this.request.type)}`);
    this.peerUpdates.push(m.requestId);
    this.user.message(m);
  }

  /** PUBLISH_DONE. */
  peerDone(m: PublishDone): void {
    if (this.request.type !== (this.mine ? SUBSCRIBE : PUBLISH)) throw violation(`PUBLISH_DONE for ${messageName(this.request.type)}`);
    this.end();
    this.user.message(m);
    this.user.ended();
  }

  /** A message that ends the request without more. */
  peerGone(type: number): void {
    const ends = this.mine ? { [UNSUBSCRIBE]: PUBLISH, [PUBLISH_NAMESPACE_CANCEL]: PUBLISH_NAMESPACE } : { [UNSUBSCRIBE]: SUBSCRIBE, [FETCH_CANCEL]: FETCH, [PUBLISH_NAMESPACE_DONE]: PUBLISH_NAMESPACE };
    if ((ends as Record<number, number>)[type] !== this.request.type) throw violation(`${messageName(type)} for ${messageName(this.request.type)}`);
    this.end();
    this.user.ended(type === PUBLISH_NAMESPACE_DONE ? undefined : ResetCode.CANCELLED);
  }
}
