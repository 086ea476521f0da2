/** A WebTransport without a network: its other end is a Connection in the role of the relay. */
import type { Action, StreamId } from "../../src/moq/actions.ts";
import { Connection } from "../../src/moq/connection.ts";
import type { Open } from "../../src/moq/connect.ts";
import type { IncomingRequest } from "../../src/moq/requests.ts";
import { DRAFT_18, DRAFTS } from "../../src/moq/wire/draft.ts";
import type { Transport } from "../../src/moq/transport.ts";

/** Like the browser's; Node has none. Current form of the constructor. */
export class FakeWebTransportError extends Error {
  readonly source: string;
  readonly streamErrorCode: number | null;
  constructor(message: string, o: { source?: string; streamErrorCode?: number } = {}) {
    super(message);
    this.source = o.source ?? "stream";
    this.streamErrorCode = o.streamErrorCode ?? null;
  }
}

/** The form that Chromium 156 has. */
export class OldWebTransportError extends FakeWebTransportError {
  constructor(init: { message?: string; streamErrorCode?: number }) {
    if (typeof init !== "object") throw new TypeError("The provided value is not of type 'WebTransportErrorInit'.");
    super(init.message ?? "", { streamErrorCode: init.streamErrorCode ?? 0 });
  }
}

function deferred<T>() {
  let resolve!: (v: T) => void;
  let reject!: (e: unknown) => void;
  const promise = new Promise<T>((a, b) => ([resolve, reject] = [a, b]));
  promise.catch(() => {});
  return { promise, resolve, reject };
}

/** What the relay sends on one stream. Chunks are handed over one by one as they are read. */
class Source {
  private readonly chunks: Uint8Array[] = [];
  private controller!: ReadableStreamDefaultController<Uint8Array>;
  private end: { error?: unknown } | undefined;
  private pulling = false;
  reads = 0;
  readonly readable: ReadableStream<Uint8Array>;

  constructor(stopped: (code: number) => void) {
    this.readable = new ReadableStream<Uint8Array>(
      {
        start: (c) => void (this.controller = c),
        pull: () => {
          this.pulling = true;
          this.reads++;
          this.move();
        },
        cancel: (reason) => stopped((reason as FakeWebTransportError | undefined)?.streamErrorCode ?? 0),
      },
      { highWaterMark: 0 },
    );
  }

  write(b: Uint8Array): void {
    this.chunks.push(b);
    this.move();
  }

  finish(): void {
    this.end = {};
    this.move();
  }

  fail(error: unknown): void {
    this.controller.error(error);
  }

  private move(): void {
    const chunk = this.pulling ? this.chunks.shift() : undefined;
    if (chunk !== undefined) {
      this.pulling = false;
      this.controller.enqueue(chunk);
    } else if (this.chunks.length === 0 && this.end !== undefined) {
      this.controller.close();
    }
  }
}

export class FakeTransport {
  readonly readyState = deferred<void>();
  readonly closedState = deferred<WebTransportCloseInfo>();
  readonly ready = this.readyState.promise;
  readonly closed = this.closedState.promise;
  readonly protocol: string | undefined;
  closedWith: WebTransportCloseInfo | undefined;
  readonly requests: IncomingRequest[] = [];
  readonly server: Connection;
  /** By the relay's name of the stream. */
  readonly sources = new Map<StreamId, Source>();
  private readonly sinks = new Map<StreamId, WritableStreamDefaultController>();
  private uni!: ReadableStreamDefaultController<ReadableStream<Uint8Array>>;
  private bidi!: ReadableStreamDefaultController<WebTransportBidirectionalStream>;
  private datagram!: ReadableStreamDefaultController<Uint8Array>;
  readonly incomingUnidirectionalStreams = new ReadableStream<ReadableStream<Uint8Array>>({ start: (c) => void (this.uni = c) });
  readonly incomingBidirectionalStreams = new ReadableStream<WebTransportBidirectionalStream>({ start: (c) => void (this.bidi = c) });
  readonly datagrams = { readable: new ReadableStream<Uint8Array>({ start: (c) => void (this.datagram = c) }) };

  constructor(
    readonly url: string,
    readonly options: WebTransportOptions,
    o: { protocol?: string | undefined; silent?: boolean } = {},
  ) {
    this.protocol = "protocol" in o ? o.protocol : "moqt-18";
    const draft = DRAFTS.find((d) => d.protocol === this.protocol) ?? DRAFT_18;
    this.server = new Connection({ role: "server", draft, implementation: "fake", now: () => performance.now(), onRequest: (r) => void this.requests.push(r) });
    // A silent relay accepts the session and says nothing.
    if (o.silent === true) this.server.takeActions();
  }

  /** The session is established. */
  accept(): void {
    this.readyState.resolve();
    this.flush();
  }

  /** Carries out what the relay wants done. */
  flush(): void {
    for (const a of this.server.takeActions()) this.perform(a);
  }

  sendDatagram(b: Uint8Array): void {
    this.datagram.enqueue(b);
  }

  private perform(a: Action): void {
    switch (a.kind) {
      case "openUni":
        return this.uni.enqueue(this.source(a.stream).readable);
      case "openBidi":
        return this.bidi.enqueue({ readable: this.source(a.stream).readable, writable: this.sink(a.stream) } as unknown as WebTransportBidirectionalStream);
      case "write":
        return this.sources.get(a.stream)?.write(a.bytes);
      case "finish":
        return this.sources.get(a.stream)?.finish();
      case "reset":
        return this.sources.get(a.stream)?.fail(new FakeWebTransportError("", { streamErrorCode: a.code }));
      case "stop":
        return this.sinks.get(a.stream)?.error(new FakeWebTransportError("", { streamErrorCode: a.code }));
      case "pause":
      case "resume":
        return;
      case "close":
        return this.closedState.resolve({ closeCode: a.code, reason: a.reason });
    }
  }

  private source(stream: StreamId): Source {
    const s = new Source((code) => this.tell(() => this.server.stopped(stream, code)));
    this.sources.set(stream, s);
    return s;
  }

  private sink(stream: StreamId): WritableStream<Uint8Array> {
    return new WritableStream<Uint8Array>({
      start: (c) => void this.sinks.set(stream, c),
      write: (b) => this.tell(() => this.server.data(stream, b)),
      close: () => this.tell(() => this.server.fin(stream)),
      abort: (reason) => this.tell(() => this.server.reset(stream, (reason as FakeWebTransportError | undefined)?.streamErrorCode ?? 0)),
    });
  }

  private tell(f: () => void): void {
    f();
    this.flush();
  }

  async createUnidirectionalStream(): Promise<WritableStream<Uint8Array>> {
    return this.sink(this.server.streamOpened(false));
  }

  async createBidirectionalStream(): Promise<WebTransportBidirectionalStream> {
    const stream = this.server.streamOpened(true);
    return { readable: this.source(stream).readable, writable: this.sink(stream) } as unknown as WebTransportBidirectionalStream;
  }

  close(info: WebTransportCloseInfo = {}): void {
    this.closedWith = info;
    this.readyState.reject(new Error("closed"));
    this.closedState.resolve(info);
  }
}

/** An Open that makes fakes, which the test finds in the list. */
export function opener(made: FakeTransport[], o: ConstructorParameters<typeof FakeTransport>[2] & { hold?: boolean } = {}): Open {
  return (url, options) => {
    const t = new FakeTransport(url, options, o);
    made.push(t);
    if (o.hold !== true) t.accept();
    return t as unknown as Transport;
  };
}

/** Lets everything that is ready happen until the condition holds. */
export async function until(condition: () => boolean, what: string): Promise<void> {
  for (let i = 0; !condition(); i++) {
    if (i > 2000) throw new Error(`never happened: ${what}`);
    await new Promise((resolve) => setTimeout(resolve, 1));
  }
}
