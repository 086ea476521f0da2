/** What a Connection and the transport below it say to each other. */

/** Names a stream between a Connection and its transport. Chosen by the Connection, never used again. */
export type StreamId = number;

/**
 * What the transport shall do, in this order. Writing to a stream that the peer refuses is no error: the transport
 * reports Connection.stopped instead.
 */
export type Action =
  | { kind: "openUni" | "openBidi"; stream: StreamId }
  | { kind: "write"; stream: StreamId; bytes: Uint8Array }
  /** Send FIN. */
  | { kind: "finish"; stream: StreamId }
  /** Send RESET_STREAM. */
  | { kind: "reset"; stream: StreamId; code: number }
  /** Send STOP_SENDING; nothing of the stream is reported any more. */
  | { kind: "stop"; stream: StreamId; code: number }
  /** Do not read the stream until resume, so that flow control holds the sender back. */
  | { kind: "pause" | "resume"; stream: StreamId }
  /** Close the session. Nothing follows. */
  | { kind: "close"; code: number; reason: string };

/** Takes what arrives on one stream. */
export interface StreamSink {
  /** at is the time of arrival in milliseconds. The bytes are not kept. */
  data(bytes: Uint8Array, at: number): void;
  fin(at: number): void;
  /** The peer reset the stream. */
  reset(code: number): void;
  /** The peer does not want what we send on it. */
  stopped?(code: number): void;
  /** The session is over. */
  closed?(): void;
}

/** A timer of a Connection. */
export interface Timer {
  at: number;
  run: () => void;
}

