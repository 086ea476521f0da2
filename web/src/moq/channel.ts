/**
 * What carries the messages of one request. A bidirectional stream does (moqt-18 §3.3); in draft 16 the control stream
 * carries those of nearly all requests, see sharedcontrol.ts.
 */
import type { Action, StreamId, StreamSink } from "./actions.ts";
import type { Connection } from "./connection.ts";
import { ResetCode } from "./errors.ts";
import { MessageParser } from "./parsers.ts";
import { encodeMessage } from "./wire/messages.ts";
import type { Message } from "./wire/types.ts";

export interface Channel {
  /** Does nothing after finish and cancel. */
  send(m: Message): void;
  /** Ends our direction. Messages still arrive. */
  finish(): void;
  /** Gives the request up in both directions (moqt-18 §3.3.2). Nothing of it arrives any more. */
  cancel(code: number): void;
}

/** The side of a channel that takes what arrives. */
export interface ChannelUser {
  /** Throws WireError for a message that has no place here. */
  message(m: Message): void;
  /** Nothing more arrives: the peer ended its direction, or gave up with a code. */
  ended(code?: number): void;
  /** The peer takes nothing more from us. What it says itself may still arrive. */
  stopped?(code: number): void;
  /** The session is over. */
  closed(): void;
}

/** A bidirectional stream as a channel. */
export class StreamChannel implements Channel, StreamSink {
  private readonly parser: MessageParser;
  /** Our direction is. */
  private open = true;
  private over = false;

  /** push carries out what happens to the stream, which the caller opens. */
  constructor(
    private readonly connection: Connection,
    readonly stream: StreamId,
    private readonly user: ChannelUser,
    private readonly push: (a: Action) => void,
  ) {
    this.parser = new MessageParser(connection.draft);
  }

  send(m: Message): void {
    if (this.open) this.push({ kind: "write", stream: this.stream, bytes: encodeMessage(m, this.connection.draft) });
  }

  finish(): void {
    if (this.open) this.push({ kind: "finish", stream: this.stream });
    this.open = false;
  }

  cancel(code: number): void {
    this.over = true;
    if (this.connection.forget(this.stream)) this.push({ kind: "stop", stream: this.stream, code });
    this.close(code);
  }

  /** Resets our direction. */
  private close(code: number): void {
    if (this.open) this.push({ kind: "reset", stream: this.stream, code });
    this.open = false;
  }

  // StreamSink

  data(bytes: Uint8Array): void {
    this.parser.push(bytes, (m) => {
      if (!this.over) this.user.message(m);
    });
  }

  fin(): void {
    this.parser.end();
    this.connection.forget(this.stream);
    this.user.ended();
  }

  reset(code: number): void {
    this.connection.forget(this.stream);
    this.close(ResetCode.CANCELLED);
    this.user.ended(code);
  }

  stopped(code: number): void {
    if (!this.open) return;
    this.close(code);
    this.user.stopped?.(code);
  }

  closed(): void {
    this.user.closed();
  }
}
