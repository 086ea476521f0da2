/**
 * How SETUP, GOAWAY and requests travel: here on a pair of control streams and a stream for each request, as from
 * draft 17 on (moqt-18 §3.3), in sharedcontrol.ts as in draft 16.
 */
import type { StreamId, StreamSink } from "./actions.ts";
import { type Channel, type ChannelUser, StreamChannel } from "./channel.ts";
import type { Connection } from "./connection.ts";
import { MessageParser } from "./parsers.ts";
import { IncomingRequest } from "./requests.ts";
import { violation } from "./wire/errors.ts";
import type { Goaway, Request, Setup } from "./wire/types.ts";
import type { U64 } from "./wire/u64.ts";

export interface Control {
  /** Sends the request, as soon as the peer allows it. Throws a RangeError, and leaves nothing behind, if it cannot be sent. */
  open(request: Request, user: ChannelUser): Channel;
  /** The sink of a bidirectional stream that the peer opened. */
  bidi(stream: StreamId): StreamSink;
  /** The sink of a unidirectional control stream of the peer, from its first byte. Throws WireError. */
  uni(stream: StreamId): StreamSink;
  /** Throws WireError for a Request ID that the peer was not allowed to use. */
  checkLimit(id: U64): void;
  sendGoaway(m: Goaway): void;
}

export class StreamControl implements Control {
  private readonly stream: StreamId;
  private peerControl = false;

  /** Opens the control stream and sends SETUP. */
  constructor(
    private readonly connection: Connection,
    setup: Setup,
  ) {
    // Our side of the pair never receives anything: it is ours to send on.
    const stopped = () => connection.fail(violation("the peer stopped our control stream"));
    this.stream = connection.openUni({ data() {}, fin() {}, reset() {}, stopped });
    connection.write(this.stream, setup);
  }

  open(request: Request, user: ChannelUser): Channel {
    // Encoded first: a name that cannot be sent must not leave an open stream behind.
    const bytes = this.connection.encode(request);
    const channel = this.connection.newChannel(user, (a) => this.connection.push(a));
    const { stream } = channel;
    this.connection.push({ kind: "openBidi", stream });
    this.connection.push({ kind: "write", stream, bytes });
    return channel;
  }

  bidi(stream: StreamId): StreamSink {
    return requestStream(this.connection, stream);
  }

  uni(stream: StreamId): StreamSink {
    if (this.peerControl) throw violation("a second control stream");
    this.peerControl = true;
    const { connection } = this;
    const parser = new MessageParser(connection.draft);
    return {
      data: (bytes) => parser.push(bytes, (m) => connection.controlMessage(m)),
      fin: () => connection.fail(violation("the peer closed its control stream")),
      reset: () => connection.fail(violation(`the peer reset its control stream ${stream}`)),
    };
  }

  /** Streams are what limits requests here. */
  checkLimit(): void {}

  sendGoaway(m: Goaway): void {
    this.connection.write(this.stream, m);
  }
}

/** A stream on which the peer makes a request. */
export function requestStream(connection: Connection, stream: StreamId): StreamChannel {
  return new IncomingRequest(connection, (user) => new StreamChannel(connection, stream, user, (a) => connection.push(a))).channel as StreamChannel;
}
