/**
 * Error codes of moqt-18 §15.10 and of the drafts around it, and the one error type of this client. A code has the
 * number of the newest draft that has the name; what other drafts have in its place is in wire/codes.ts.
 */

/** Codes that close a session (moqt-18 §3.5). */
export const SessionError = {
  NO_ERROR: 0x0,
  INTERNAL_ERROR: 0x1,
  UNAUTHORIZED: 0x2,
  PROTOCOL_VIOLATION: 0x3,
  INVALID_REQUEST_ID: 0x4,
  DUPLICATE_TRACK_ALIAS: 0x5,
  KEY_VALUE_FORMATTING_ERROR: 0x6,
  /** Draft 16. */
  TOO_MANY_REQUESTS: 0x7,
  INVALID_PATH: 0x8,
  MALFORMED_PATH: 0x9,
  GOAWAY_TIMEOUT: 0x10,
  CONTROL_MESSAGE_TIMEOUT: 0x11,
  DATA_STREAM_TIMEOUT: 0x12,
  AUTH_TOKEN_CACHE_OVERFLOW: 0x13,
  DUPLICATE_AUTH_TOKEN_ALIAS: 0x14,
  VERSION_NEGOTIATION_FAILED: 0x15,
  MALFORMED_AUTH_TOKEN: 0x16,
  UNKNOWN_AUTH_TOKEN_ALIAS: 0x17,
  EXPIRED_AUTH_TOKEN: 0x18,
  INVALID_AUTHORITY: 0x19,
  MALFORMED_AUTHORITY: 0x1a,
  /** Draft 19. */
  TOO_MANY_REQUEST_UPDATES: 0x1b,
} as const;

/** Codes of REQUEST_ERROR (moqt-18 §10.6.2). */
export const RequestError = {
  INTERNAL_ERROR: 0x0,
  UNAUTHORIZED: 0x1,
  TIMEOUT: 0x2,
  NOT_SUPPORTED: 0x3,
  MALFORMED_AUTH_TOKEN: 0x4,
  EXPIRED_AUTH_TOKEN: 0x5,
  GOING_AWAY: 0x6,
  EXCESSIVE_LOAD: 0x9,
  DOES_NOT_EXIST: 0x10,
  INVALID_RANGE: 0x11,
  MALFORMED_TRACK: 0x12,
  /** Up to draft 18. */
  DUPLICATE_SUBSCRIPTION: 0x19,
  UNINTERESTED: 0x20,
  PREFIX_OVERLAP: 0x30,
  NAMESPACE_TOO_LARGE: 0x31,
  /** Up to draft 19. */
  INVALID_JOINING_REQUEST_ID: 0x32,
  UNSUPPORTED_EXTENSION: 0x33,
  REDIRECT: 0x34,
  /** Draft 19. */
  CONFLICTING_FILTERS: 0x35,
  /** Draft 19. */
  INVALID_FILTER: 0x36,
} as const;

/** Codes of PUBLISH_DONE (moqt-18 §10.11). */
export const PublishDoneCode = {
  INTERNAL_ERROR: 0x0,
  UNAUTHORIZED: 0x1,
  TRACK_ENDED: 0x2,
  SUBSCRIPTION_ENDED: 0x3,
  GOING_AWAY: 0x4,
  TOO_FAR_BEHIND: 0x5,
  EXPIRED: 0x6,
  UPDATE_FAILED: 0x8,
  EXCESSIVE_LOAD: 0x9,
  MALFORMED_TRACK: 0x12,
} as const;

/** Codes of RESET_STREAM and STOP_SENDING (moqt-18 §3.3.3). */
export const ResetCode = {
  INTERNAL_ERROR: 0x0,
  CANCELLED: 0x1,
  DELIVERY_TIMEOUT: 0x2,
  SESSION_CLOSED: 0x3,
  GOING_AWAY: 0x4,
  TOO_FAR_BEHIND: 0x5,
  UNKNOWN_OBJECT_STATUS: 0x6,
  EXPIRED_AUTH_TOKEN: 0x7,
  EXCESSIVE_LOAD: 0x9,
  MALFORMED_TRACK: 0x12,
} as const;

/** The draft's name of a code, or its value in hexadecimal. */
export function codeName(table: Readonly<Record<string, number>>, code: number | bigint): string {
  for (const [name, value] of Object.entries(table)) {
    if (value === code) return name;
  }
  return "0x" + code.toString(16);
}

/** Where a request may be made instead (moqt-18 §10.6.1). Empty fields mean: as before. */
export interface Redirect {
  uri: string;
  namespace: string[];
  name: string;
}

/**
 * The one error of this client. kind says what failed: a request (code is a RequestError and the session lives
 * on), the session (code is a SessionError) or the transport below (code is 0, or what the peer closed with).
 */
export class MoqError extends Error {
  override readonly name = "MoqError";
  readonly kind: "request" | "session" | "transport";
  readonly code: number;
  /** Set if the request may be repeated, after this many milliseconds. */
  readonly retryAfterMs?: number;
  readonly redirect?: Redirect;

  constructor(kind: MoqError["kind"], code: number, message: string, more: { retryAfterMs?: number; redirect?: Redirect; cause?: unknown } = {}) {
    super(message, more.cause === undefined ? undefined : { cause: more.cause });
    this.kind = kind;
    this.code = code;
    if (more.retryAfterMs !== undefined) this.retryAfterMs = more.retryAfterMs;
    if (more.redirect !== undefined) this.redirect = more.redirect;
  }
}
