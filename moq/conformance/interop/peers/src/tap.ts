// In the page: a WebTransport that keeps the first bytes of every stream and
// datagram, so that a failure can be shown with what led to it.

/** Bytes kept of a stream. */
const KEEP = 512;
/** Streams kept. */
const STREAMS = 200;

/** What came or went on one stream, in hex. */
export interface Heard {
  /** "> request" and "< answer" of the page's bidirectional streams, "< bidi", "> bidi", "< uni", "> uni" and "< datagrams" of others. */
  readonly kind: string;
  hex: string;
  /** How it ended, as far as that was seen. */
  end: string;
}

const heard: Heard[] = [];

export function heardBytes(): Heard[] {
  return heard;
}

function note(kind: string): Heard | undefined {
  if (heard.length >= STREAMS) return undefined;
  const h = { kind, hex: "", end: "" };
  heard.push(h);
  return h;
}

function keep(h: Heard | undefined, b: Uint8Array): void {
  if (h === undefined || h.hex.length >= 2 * KEEP) return;
  h.hex += [...b.subarray(0, KEEP)].map((v) => v.toString(16).padStart(2, "0")).join("");
}

/** Wraps a stream so that its bytes are noted as they are read. */
function tapped(stream: ReadableStream<Uint8Array>, kind: string): ReadableStream<Uint8Array> {
  const h = note(kind);
  const reader = stream.getReader();
  return new ReadableStream<Uint8Array>({
    async pull(c) {
      try {
        const { value, done } = await reader.read();
        if (done) {
          if (h) h.end = "FIN";
          c.close();
          return;
        }
        keep(h, value);
        c.enqueue(value);
      } catch (e) {
        if (h) h.end = `reset: ${String(e)}`;
        c.error(e);
      }
    },
    cancel(reason) {
      if (h) h.end = `cancelled by the page: ${String(reason)}`;
      return reader.cancel(reason);
    },
  });
}

function mapped<T>(source: ReadableStream<T>, map: (v: T) => T): ReadableStream<T> {
  return source.pipeThrough(new TransformStream<T, T>({ transform: (v, c) => c.enqueue(map(v)) }));
}

/** The browser's WebTransport with a memory. */
export class TappedWebTransport extends WebTransport {
  private readonly uni: ReadableStream;
  private readonly bidi: ReadableStream;
  private readonly grams: WebTransportDatagramDuplexStream;

  constructor(url: string | URL, options?: WebTransportOptions) {
    super(url, options);
    this.uni = mapped(super.incomingUnidirectionalStreams as ReadableStream<ReadableStream<Uint8Array>>, (s) => tapped(s, "< uni"));
    this.bidi = mapped(super.incomingBidirectionalStreams as ReadableStream<WebTransportBidirectionalStream>, (s) => both(s, "< bidi", "> bidi"));
    const datagrams = super.datagrams;
    const readable = tapped(datagrams.readable as ReadableStream<Uint8Array>, "< datagrams");
    this.grams = new Proxy(datagrams, {
      get(target, key) {
        if (key === "readable") return readable;
        const value: unknown = Reflect.get(target, key, target);
        return typeof value === "function" ? (value as (...a: unknown[]) => unknown).bind(target) : value;
      },
    });
  }

  override get incomingUnidirectionalStreams(): ReadableStream {
    return this.uni;
  }

  override get incomingBidirectionalStreams(): ReadableStream {
    return this.bidi;
  }

  override get datagrams(): WebTransportDatagramDuplexStream {
    return this.grams;
  }

  override async createBidirectionalStream(options?: WebTransportSendStreamOptions): Promise<WebTransportBidirectionalStream> {
    return both(await super.createBidirectionalStream(options), "< answer", "> request");
  }

  override async createUnidirectionalStream(options?: WebTransportSendStreamOptions): Promise<WritableStream> {
    return overheard((await super.createUnidirectionalStream(options)) as WritableStream<Uint8Array>, "> uni");
  }
}

function both(s: WebTransportBidirectionalStream, from: string, to: string): WebTransportBidirectionalStream {
  return {
    readable: tapped(s.readable as ReadableStream<Uint8Array>, from),
    writable: overheard(s.writable as WritableStream<Uint8Array>, to),
  } as WebTransportBidirectionalStream;
}

/** Wraps a stream so that what is written is noted. */
function overheard(stream: WritableStream<Uint8Array>, kind: string): WritableStream<Uint8Array> {
  const h = note(kind);
  const writer = stream.getWriter();
  return new WritableStream<Uint8Array>({
    write(b) {
      keep(h, b);
      return writer.write(b);
    },
    close: () => writer.close(),
    abort: (reason) => writer.abort(reason),
  });
}

/** Options that trust the development certificate with this SHA-256 in hex. */
export function trusting(fingerprint: string): WebTransportOptions {
  const value = Uint8Array.from(fingerprint.match(/../g) ?? [], (b) => Number.parseInt(b, 16));
  return { serverCertificateHashes: [{ algorithm: "sha-256", value }] };
}
