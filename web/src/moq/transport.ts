/**
 * Carries a Connection over WebTransport. The only file that touches the browser.
 *
 * One loop per incoming stream reads a chunk when the one before has been taken, so a page that cannot keep up holds
 * the relay back by flow control. All loops end with the WebTransport session.
 */
import type { Action, StreamId } from "./actions.ts";
import type { Connection } from "./connection.ts";
import { codeName, MoqError, SessionError } from "./errors.ts";

/**
 * How long a stream error without a code of its own is held back. When a session ends, all of its streams fail first,
 * with a code that browsers turn into 0; what is to be told then is how the session ended.
 */
const NAMELESS_ERROR_MS = 50;

/** Datagrams kept while we are busy. */
const INCOMING_DATAGRAMS = 256;

/** Longest reason that can be sent with a close, in bytes. */
const MAX_CLOSE_REASON = 1024;

/** WebTransport as it is today: the types that come with TypeScript lack these. */
export interface Transport extends WebTransport {
  /** The protocol that was negotiated; absent in browsers that do not tell. */
  readonly protocol?: string;
  /** Absent in Chromium 156. */
  getStats?(): Promise<{ smoothedRtt?: number }>;
}

type Writer = WritableStreamDefaultWriter<Uint8Array>;

interface StreamState {
  /** Ends with the last thing asked of our direction; undefined when nothing more can be. */
  writes: Promise<Writer | undefined>;
  /** Nothing more is read. */
  readDone: boolean;
  reader?: ReadableStreamDefaultReader<Uint8Array>;
  /** Set while paused. */
  resume?: () => void;
  paused?: Promise<void>;
}

export class TransportDriver {
  private readonly streams = new Map<StreamId, StreamState>();
  private timer: ReturnType<typeof setTimeout> | undefined;
  /** When the timer fires, on the clock of the connection. */
  private timerAt: number | undefined;

  constructor(
    private readonly transport: Transport,
    private readonly connection: Connection,
  ) {}

  /** Begins to read. Call it when the transport is ready. */
  start(): void {
    void this.acceptStreams(this.transport.incomingUnidirectionalStreams, (s: ReadableStream<Uint8Array>) => {
      this.readStream(this.connection.streamOpened(false), s);
    });
    void this.acceptStreams(this.transport.incomingBidirectionalStreams, (s: WebTransportBidirectionalStream) => {
      const id = this.connection.streamOpened(true);
      this.streams.set(id, { writes: Promise.resolve(this.writer(id, s.writable)), readDone: false });
      this.readStream(id, s.readable);
    });
    void this.readDatagrams();
    this.transport.closed.then(
      (info) => this.closed(closedBy(info.closeCode ?? 0, info.reason ?? "")),
      (e) => this.closed(lost(e)),
    );
    this.flush();
  }

  /** Carries out what the connection wants done. Call it after every call of the connection. */
  flush(): void {
    for (const a of this.connection.takeActions()) this.perform(a);
    const next = this.connection.nextTimer();
    if (next === this.timerAt) return;
    clearTimeout(this.timer);
    this.timerAt = next;
    if (next === undefined) return;
    this.timer = setTimeout(() => {
      this.timerAt = undefined;
      this.connection.runTimers();
      this.flush();
    }, Math.max(0, next - this.connection.now()));
  }

  /** Round-trip time in milliseconds; undefined if the browser does not tell. */
  async rttMs(): Promise<number | undefined> {
    return (await this.transport.getStats?.())?.smoothedRtt;
  }

  private closed(e: MoqError): void {
    clearTimeout(this.timer);
    this.connection.transportClosed(e);
    this.flush();
  }

  private perform(a: Action): void {
    switch (a.kind) {
      case "openUni": {
        const opened = this.transport.createUnidirectionalStream();
        this.streams.set(a.stream, { writes: opened.then((s) => this.writer(a.stream, s)).catch(() => undefined), readDone: true });
        return;
      }
      case "openBidi": {
        const opened: Promise<WebTransportBidirectionalStream> = this.transport.createBidirectionalStream();
        this.streams.set(a.stream, { writes: opened.then((s) => this.writer(a.stream, s.writable)).catch(() => undefined), readDone: false });
        opened.then((s) => this.readStream(a.stream, s.readable)).catch(() => {});
        return;
      }
      case "write":
        return this.write(a.stream, async (w) => {
          await w.write(a.bytes);
          return w;
        });
      case "finish":
        return this.write(a.stream, async (w) => void (await w.close()));
      case "reset":
        return this.write(a.stream, async (w) => void (await w.abort(streamError(a.code))));
      case "stop": {
        const s = this.streams.get(a.stream);
        s?.resume?.();
        // Before its reader is there, a stream is one of ours that is still being opened.
        if (s?.reader !== undefined) s.reader.cancel(streamError(a.code)).catch(() => {});
        else if (s !== undefined) void s.writes.then(() => s.reader?.cancel(streamError(a.code)).catch(() => {}));
        return;
      }
      case "pause":
        return this.pause(a.stream);
      case "resume":
        return this.streams.get(a.stream)?.resume?.();
      case "close":
        this.transport.close({ closeCode: a.code, reason: cut(a.reason) });
        return;
    }
  }

  private pause(stream: StreamId): void {
    const s = this.streams.get(stream);
    if (s === undefined || s.resume !== undefined) return;
    s.paused = new Promise((resolve) => {
      s.resume = () => {
        delete s.resume;
        delete s.paused;
        resolve();
      };
    });
  }

  /** The peer may refuse a stream at any time, also while we write nothing. */
  private writer(stream: StreamId, writable: WritableStream<Uint8Array>): Writer {
    const w = writable.getWriter();
    w.closed.catch((e) => this.streamFailed(e, (code) => this.connection.stopped(stream, code)));
    return w;
  }

  private streamFailed(e: unknown, report: (code: number) => void): void {
    const code = streamErrorCode(e);
    if (code === undefined) return;
    const tell = () => {
      report(code);
      this.flush();
    };
    if (code === 0) setTimeout(tell, NAMELESS_ERROR_MS);
    else tell();
  }

  /** Does something to our direction after all that was asked before. */
  private write(stream: StreamId, act: (w: Writer) => Promise<Writer | void>): void {
    const s = this.streams.get(stream);
    if (s === undefined) return;
    s.writes = s.writes.then(async (w) => {
      // A failure is the peer's refusal, see writer, or the end of the session, which closed reports.
      const left = w === undefined ? undefined : await act(w).catch(() => undefined);
      if (left === undefined && s.readDone) this.streams.delete(stream);
      return left ?? undefined;
    });
  }

  private async acceptStreams<T>(source: ReadableStream<T>, accept: (stream: T) => void): Promise<void> {
    const reader = source.getReader();
    for (;;) {
      // An error means that the session is over, which closed reports.
      const next = await reader.read().catch(() => undefined);
      if (next === undefined || next.done) return;
      accept(next.value);
      this.flush();
    }
  }

  private readStream(id: StreamId, readable: ReadableStream<Uint8Array>): void {
    const s: StreamState = this.streams.get(id) ?? { writes: Promise.resolve(undefined), readDone: false };
    this.streams.set(id, s);
    s.reader = readable.getReader();
    void this.readLoop(id, s, s.reader);
  }

  private async readLoop(id: StreamId, s: StreamState, reader: ReadableStreamDefaultReader<Uint8Array>): Promise<void> {
    for (let done = false; !done; ) {
      if (s.paused !== undefined) await s.paused;
      let chunk: ReadableStreamReadResult<Uint8Array>;
      try {
        chunk = await reader.read();
      } catch (e) {
        this.streamFailed(e, (code) => this.connection.reset(id, code));
        break;
      }
      done = chunk.done;
      if (chunk.done) this.connection.fin(id);
      else this.connection.data(id, chunk.value);
      this.flush();
    }
    s.readDone = true;
    if ((await s.writes) === undefined) this.streams.delete(id);
  }

  private async readDatagrams(): Promise<void> {
    // Chromium keeps one by default and drops the rest of a burst.
    this.transport.datagrams.incomingHighWaterMark = INCOMING_DATAGRAMS;
    const reader: ReadableStreamDefaultReader<Uint8Array> = this.transport.datagrams.readable.getReader();
    for (;;) {
      const next = await reader.read().catch(() => undefined);
      if (next === undefined || next.done) return;
      this.connection.datagram(next.value);
      this.flush();
    }
  }
}

/**
 * What to cancel or abort a stream with. Chromium 156 still has the constructor of an older draft, with all in one
 * object; without either form the code is 0.
 */
function streamError(code: number): unknown {
  if (typeof WebTransportError === "undefined") return undefined;
  const create = WebTransportError as unknown as new (...args: unknown[]) => WebTransportError;
  for (const args of [["", { source: "stream", streamErrorCode: code }], [{ message: "", streamErrorCode: code }]]) {
    try {
      const e = new create(...args);
      if (e.streamErrorCode === code) return e;
    } catch {
      // Not this form.
    }
  }
  return undefined;
}

/** The code that the peer reset or stopped a stream with; undefined if it is not the stream that failed. */
function streamErrorCode(e: unknown): number | undefined {
  const { source, streamErrorCode } = (e ?? {}) as { source?: unknown; streamErrorCode?: unknown };
  if (source !== "stream") return undefined;
  return typeof streamErrorCode === "number" ? streamErrorCode : 0;
}

/** The peer ended the session with a code of moqt-18 §3.5. */
function closedBy(code: number, reason: string): MoqError {
  const name = codeName(SessionError, code);
  return new MoqError("session", code, `the relay closed the session: ${reason === "" ? name : `${name}: ${reason}`}`);
}

function lost(cause: unknown): MoqError {
  return new MoqError("transport", 0, "the connection to the relay was lost", { cause });
}

/** At most MAX_CLOSE_REASON bytes of text, without half a character at the end. */
function cut(text: string): string {
  const bytes = new TextEncoder().encode(text);
  if (bytes.length <= MAX_CLOSE_REASON) return text;
  return new TextDecoder().decode(bytes.subarray(0, MAX_CLOSE_REASON)).replace(/\uFFFD$/, "");
}
