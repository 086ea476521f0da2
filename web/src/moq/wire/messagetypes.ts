/** The numbers of control messages in each draft. */
import type { Draft, Feature } from "./draft.ts";
import { type Message, MessageType } from "./types.ts";
import type { U64 } from "./u64.ts";

/** Messages that not every draft has, and with what they come. */
const only: ReadonlyMap<number, Feature> = new Map<number, Feature>([
  [MessageType.PUBLISH_NAMESPACE_DONE, "controlStream"],
  [MessageType.UNSUBSCRIBE, "controlStream"],
  [MessageType.PUBLISH_NAMESPACE_CANCEL, "controlStream"],
  [MessageType.MAX_REQUEST_ID, "controlStream"],
  [MessageType.FETCH_CANCEL, "controlStream"],
  [MessageType.REQUESTS_BLOCKED, "controlStream"],
  [MessageType.PUBLISH_OK, "controlStream"],
  [MessageType.PUBLISH_BLOCKED, "subscribeTracks"],
  [MessageType.SUBSCRIBE_TRACKS, "subscribeTracks"],
  [MessageType.PUBLISH_STATE_NOTIFY, "stateNotify"],
]);

/** Numbers of draft 16 that stand for another message later. */
const SUBSCRIBE_NAMESPACE_16 = 0x11;
const CLIENT_SETUP = 0x20;
const SERVER_SETUP = 0x21;

function has(d: Draft, type: number): boolean {
  const feature = only.get(type);
  return feature === undefined || d[feature];
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
