/**
 * MOQT client for draft 18: what the player and the pages may use.
 *
 * This folder speaks the protocol and knows nothing of media or of the page. session.ts is the only file that
 * touches WebTransport; everything below it is a state machine without I/O (connection.ts) on top of pure
 * encoders and decoders (wire/). Start reading at types.ts, then connection.ts.
 */
export * from "./types.ts";
export { MoqError, PublishDoneCode, RequestError, ResetCode, SessionError, codeName, type Redirect } from "./errors.ts";
export { MoqSession } from "./session.ts";
