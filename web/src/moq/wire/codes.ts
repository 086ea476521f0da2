/**
 * Numbers of codes. Above the codec a code has the number of the newest draft that has the name; here is what other
 * drafts have in its place (moqt-16 §13.4, moqt-18 §15.10).
 */
import { PublishDoneCode, RequestError, ResetCode } from "../errors.ts";
import type { Draft } from "./draft.ts";
import type { U64 } from "./u64.ts";

type Pairs = readonly (readonly [code: number, number: number])[];

/** What one draft has in one table of codes. */
class Numbering {
  private readonly numbers: ReadonlyMap<U64, number>;
  private readonly codes: ReadonlyMap<U64, number>;

  /**
   * renumbered are codes and what they are here; lacking are codes that the draft does not have and the ones that come
   * nearest. A number that means one of those elsewhere means nothing here, which counts as INTERNAL_ERROR, 0.
   */
  constructor(renumbered: Pairs, lacking: Pairs) {
    this.numbers = new Map([...renumbered, ...lacking]);
    this.codes = new Map([
      ...[...renumbered, ...lacking].map(([code]) => [code, 0] as const),
      ...renumbered.map(([code, number]) => [number, code] as const),
    ]);
  }

  number(code: U64): U64 {
    return this.numbers.get(code) ?? code;
  }

  code(number: U64): U64 {
    return this.codes.get(number) ?? number;
  }
}

/** The tables of the drafts from first to last. */
interface Row {
  readonly last: number;
  readonly numbering: Numbering;
}

const same = new Numbering([], []);

/** The codes of REQUEST_ERROR that came with range filters in draft 19. */
const filterErrors: Pairs = [[RequestError.CONFLICTING_FILTERS, RequestError.NOT_SUPPORTED], [RequestError.INVALID_FILTER, RequestError.INVALID_RANGE]];

const requestErrors: readonly Row[] = [
  {
    last: 16,
    numbering: new Numbering([], [
      [RequestError.GOING_AWAY, RequestError.INTERNAL_ERROR],
      [RequestError.EXCESSIVE_LOAD, RequestError.INTERNAL_ERROR],
      [RequestError.NAMESPACE_TOO_LARGE, RequestError.INTERNAL_ERROR],
      [RequestError.UNSUPPORTED_EXTENSION, RequestError.NOT_SUPPORTED],
      // Where it is gets lost, that it is not here remains.
      [RequestError.REDIRECT, RequestError.DOES_NOT_EXIST],
      ...filterErrors,
    ]),
  },
  { last: 18, numbering: new Numbering([], filterErrors) },
  { last: 19, numbering: new Numbering([], [[RequestError.DUPLICATE_SUBSCRIPTION, RequestError.NOT_SUPPORTED]]) },
  {
    last: Infinity,
    numbering: new Numbering([], [
      [RequestError.DUPLICATE_SUBSCRIPTION, RequestError.NOT_SUPPORTED],
      [RequestError.INVALID_JOINING_REQUEST_ID, RequestError.DOES_NOT_EXIST],
    ]),
  },
];

const publishDone: readonly Row[] = [
  {
    last: 16,
    numbering: new Numbering([[PublishDoneCode.EXPIRED, 0x5], [PublishDoneCode.TOO_FAR_BEHIND, 0x6]], [[PublishDoneCode.EXCESSIVE_LOAD, PublishDoneCode.INTERNAL_ERROR]]),
  },
  { last: 19, numbering: same },
  // Draft 20 has nothing that says it: the subscription is over, the track is not.
  { last: Infinity, numbering: new Numbering([], [[PublishDoneCode.SUBSCRIPTION_ENDED, PublishDoneCode.EXPIRED]]) },
];

const resets: readonly Row[] = [
  {
    last: 16,
    numbering: new Numbering([[ResetCode.UNKNOWN_OBJECT_STATUS, 0x4]], [
      [ResetCode.GOING_AWAY, ResetCode.CANCELLED],
      [ResetCode.TOO_FAR_BEHIND, ResetCode.DELIVERY_TIMEOUT],
      [ResetCode.EXPIRED_AUTH_TOKEN, ResetCode.CANCELLED],
      [ResetCode.EXCESSIVE_LOAD, ResetCode.INTERNAL_ERROR],
    ]),
  },
  { last: Infinity, numbering: same },
];

function pick(rows: readonly Row[], draft: Draft): Numbering {
  return (rows.find((row) => draft.number <= row.last) as Row).numbering;
}

export const requestErrorNumbers = (draft: Draft): Numbering => pick(requestErrors, draft);
export const publishDoneNumbers = (draft: Draft): Numbering => pick(publishDone, draft);
/** Of RESET_STREAM and STOP_SENDING. */
export const resetNumbers = (draft: Draft): Numbering => pick(resets, draft);
