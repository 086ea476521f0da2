/** What decoders throw. */
import { SessionError } from "../errors.ts";

/** A fault of the peer that closes the session with code (moqt-18 §3.5). */
export class WireError extends Error {
  override readonly name = "WireError";
  constructor(
    readonly code: number,
    reason: string,
  ) {
    super(reason);
  }
}

/** The input is a valid beginning and more bytes are needed. */
export class ShortInput extends Error {
  override readonly name = "ShortInput";
}

/** Thrown in place of a new one each time: running out of bytes is what happens at the end of every chunk. */
export const SHORT = new ShortInput("more bytes needed");

export function violation(reason: string): WireError {
  return new WireError(SessionError.PROTOCOL_VIOLATION, reason);
}

export function badKeyValue(reason: string): WireError {
  return new WireError(SessionError.KEY_VALUE_FORMATTING_ERROR, reason);
}
