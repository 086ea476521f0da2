/** The numbers of control messages in each draft. */
import type { Draft } from "./draft.ts";
import { type Message, MessageType } from "./types.ts";
import type { U64 } from "./u64.ts";

/** Messages that not every draft has: the first and the last draft with them. */
const spans: ReadonlyMap<number, readonly [first: number, last: number]> = new Map([
  [MessageType.PUBLISH_NAMESPACE_DONE, [0, 16]],
  [MessageType.UNSUBSCRIBE, [0, 16]],
  [MessageType.PUBLISH_NAMESPACE_CANCEL, [0, 16]],
  [MessageType.MAX_REQUEST_ID, [0, 16]],
  [MessageType.FETCH_CANCEL, [0, 16]],
  [MessageType.REQUESTS_BLOCKED, [0, 16]],
  [MessageType.PUBLISH_OK, [0, 16]],
  [MessageType.PUBLISH_BLOCKED, [18, Infinity]],
  [MessageType.SUBSCRIBE_TRACKS, [18, Infinity]],
  [MessageType.PUBLISH_STATE_NOTIFY, [20, Infinity]],
]);

/** Numbers of draft 16 that stand for another message later. */
const SUBSCRIBE_NAMESPACE_16 = 0x11;
const CLIENT_SETUP = 0x20;
const SERVER_SETUP = 0x21;

function has(d: Draft, type: number): boolean {
  const span = spans.get(type);
  return span === undefined || (span[0] <= d.number && d.number <= span[1]);
}

/** The number of a message on the wire. Throws a RangeError if the draft does not have it. */
export function messageNumber(m: Message, d: Draft): number {
  if (d.controlStream) {
    if (m.type === MessageType.SETUP) return m.server === true ? SERVER_SETUP : CLIENT_SETUP;
    // Asking for tracks is an option of this message in draft 16.
    if (m.type === MessageType.SUBSCRIBE_NAMESPACE || m.type === MessageType.SUBSCRIBE_TRACKS) return SUBSCRIBE_NAMESPACE_16;
  }
  if (!has(d, m.type)) throw new RangeError(`draft ${d.number} has no message 0x${m.type.toString(16)}`);
  return m.type;
}

const types = new Set<U64>(Object.values(MessageType));

/** What a number stands for; undefined if the draft has no such message. */
export function messageOf(number: U64, d: Draft): { type: number; server?: boolean } | undefined {
  if (d.controlStream) {
    if (number === CLIENT_SETUP) return { type: MessageType.SETUP };
    if (number === SERVER_SETUP) return { type: MessageType.SETUP, server: true };
    if (number === SUBSCRIBE_NAMESPACE_16) return { type: MessageType.SUBSCRIBE_NAMESPACE };
    if (number === MessageType.SETUP || number === MessageType.SUBSCRIBE_NAMESPACE) return undefined;
  }
  return types.has(number) && has(d, number as number) ? { type: number as number } : undefined;
}
