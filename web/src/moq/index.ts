/**
 * MOQT client for the drafts 18, 16 and 22: what the player and the pages may use.
 *
 * This folder speaks the protocol and knows nothing of media or of the page. Only connect.ts and transport.ts touch
 * WebTransport; below them is a state machine without I/O (connection.ts) on top of pure encoders and decoders
 * (wire/), which hide how the drafts differ (wire/draft.ts). Start reading at types.ts, then connection.ts, then subscription.ts.
 */
export * from "./types.ts";
export { MoqError, PublishDoneCode, RequestError, ResetCode, SessionError, codeName, type Redirect } from "./errors.ts";
export { MoqSession } from "./session.ts";
