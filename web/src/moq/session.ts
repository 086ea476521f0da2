/** The session that applications use: promises and callbacks around a Connection. */
import { Connection } from "./connection.ts";
import { type Open, openTransport, openWebTransport } from "./connect.ts";
import { MoqError, PublishDoneCode, RequestError, SessionError } from "./errors.ts";
import { FetchRequest } from "./fetch.ts";
import { NamespaceWatch } from "./namespaces.ts";
import { TrackSubscription } from "./subscription.ts";
import { TransportDriver } from "./transport.ts";
import type { FetchEnd, Location, NamespaceHandler, SessionOptions, SessionStats, SubscribeOptions, Subscription, TrackHandler, TrackName } from "./types.ts";
import { type Filter, FilterType } from "./wire/filter.ts";
import { MessageType } from "./wire/types.ts";

const DEFAULT_CONNECT_TIMEOUT_MS = 10_000;
const RTT_INTERVAL_MS = 1000;
const IMPLEMENTATION = "moqedge-web/0.2";

/** A session with a relay over WebTransport. Methods may be called from within callbacks. */
export class MoqSession {
  /** True once close was called: nothing of the application is called any more. */
  private closing = false;
  private readonly rtt: { ms: number | undefined; at: number } = { ms: undefined, at: -Infinity };

  private constructor(
    private readonly connection: Connection,
    private readonly driver: TransportDriver,
    /** Protocol in use, for example "moqt-18". */
    readonly protocol: string,
    /** True if the browser or the relay did not tell the negotiated protocol, so that it is an assumption. */
    readonly protocolAssumed: boolean,
    /** Name and version of the relay's implementation, if it tells. Text of the peer: do not trust it. */
    readonly peerImplementation: string | undefined,
  ) {}

  /** Resolves when both SETUP messages are exchanged. Rejects with MoqError. open is for tests. */
  static async connect(o: SessionOptions, open: Open = openWebTransport): Promise<MoqSession> {
    const timeoutMs = o.connectTimeoutMs ?? DEFAULT_CONNECT_TIMEOUT_MS;
    const abort = new AbortController();
    const timer = setTimeout(() => {
      abort.abort(new MoqError("transport", 0, `the relay at ${o.url} did not answer within ${timeoutMs / 1000} s`));
    }, timeoutMs);
    try {
      return await MoqSession.establish(o, open, abort.signal);
    } finally {
      clearTimeout(timer);
    }
  }

  private static async establish(o: SessionOptions, open: Open, signal: AbortSignal): Promise<MoqSession> {
    const { transport, draft, assumed } = await openTransport(o, open, signal);
    let session: MoqSession | undefined;
    return new Promise((resolve, reject) => {
      const connection = new Connection({
        role: "client",
        draft,
        implementation: IMPLEMENTATION,
        now: () => performance.now(),
        onSetup(m) {
          session = new MoqSession(connection, driver, draft.protocol, assumed, m.implementation);
          resolve(session);
        },
        onGoaway: (uri, timeoutMs) => session?.call(() => o.onGoaway?.(uri, timeoutMs)),
        onClosed(e) {
          if (session === undefined) reject(e);
          else session.call(() => o.onClosed(e));
        },
      });
      const driver = new TransportDriver(transport, connection);
      signal.addEventListener("abort", () => {
        if (session !== undefined) return;
        connection.close(SessionError.CONTROL_MESSAGE_TIMEOUT, "no SETUP");
        driver.flush();
        reject(signal.reason);
      });
      driver.start();
    });
  }

  /** Resolves when the publisher has accepted. Rejects with MoqError; then the handler is never called. */
  subscribe(track: TrackName, o: SubscribeOptions, h: TrackHandler): Promise<Subscription> {
    const handler = this.isolated(h);
    return new Promise((resolve, reject) => {
      this.act(reject, () => {
        const core = new TrackSubscription(this.connection, track, o, handler, {
          established: () => resolve(this.handle(core)),
          failed: reject,
        });
      });
    });
  }

  private handle(core: TrackSubscription): Subscription {
    return {
      largest: core.largest,
      properties: core.properties,
      update: (p) => {
        const updated = core.update(p);
        this.driver.flush();
        return updated;
      },
      close: () => {
        core.close();
        this.driver.flush();
      },
    };
  }

  /**
   * Fetches what lies between start and end, both included; without end.object the whole of that group. Objects come
   * in ascending order. Resolves after the last, and after onDone with SUBSCRIPTION_ENDED. Rejects with MoqError.
   */
  fetch(track: TrackName, start: Location, end: FetchEnd, h: TrackHandler): Promise<void> {
    const handler = this.isolated(h);
    const text = new TextEncoder();
    const wireTrack = { namespace: track.namespace.map((f) => text.encode(f)), name: text.encode(track.name) };
    const filter: Filter = { type: FilterType.ABSOLUTE_RANGE, start, endGroup: end.group };
    if (end.object !== undefined) filter.endObject = end.object;
    return new Promise((resolve, reject) => {
      this.act(reject, () => {
        new FetchRequest(
          this.connection,
          (requestId) => ({ type: MessageType.FETCH, requestId, kind: 1, track: wireTrack, params: { filter } }),
          {
            object: (o) => handler.onObject(o),
            unknown() {},
            done: (e) => {
              if (e !== undefined) return reject(e);
              handler.onDone(PublishDoneCode.SUBSCRIPTION_ENDED, "");
              resolve();
            },
          },
        );
      });
    });
  }

  /** Watches what is published under a prefix; [] is everything. Prefixes in one session must not overlap. */
  subscribeNamespace(prefix: string[], on: NamespaceHandler): { close(): void } {
    let watch: NamespaceWatch | undefined;
    const fail = (e: MoqError) => queueMicrotask(() => this.call(() => on.error(e)));
    this.act(fail, () => {
      watch = new NamespaceWatch(this.connection, prefix, {
        add: (n) => this.call(() => on.add(n)),
        remove: (n) => this.call(() => on.remove(n)),
        error: (e) => this.call(() => on.error(e)),
      });
    });
    return {
      close: () => {
        watch?.close();
        this.driver.flush();
      },
    };
  }

  /** Asking begins a new measurement of the round-trip time, at most one a second; the result is of the last one. */
  stats(): SessionStats {
    void this.measureRtt();
    return { bytesReceived: this.connection.bytesReceived, ...(this.rtt.ms === undefined ? {} : { rttMs: this.rtt.ms }) };
  }

  private async measureRtt(): Promise<void> {
    if (performance.now() - this.rtt.at < RTT_INTERVAL_MS || this.connection.closed !== undefined || this.connection.goingAway) return;
    this.rtt.at = performance.now();
    try {
      this.rtt.ms = (await this.driver.rttMs()) ?? (await this.ping());
    } catch {
      // The session ended meanwhile, which onClosed tells.
    }
  }

  /**
   * Times a request that the relay must answer by itself and at once: the track without a name in the namespace
   * .session never exists (moqt-18 §3.2.2). Draft 16 reserves nothing, but nobody publishes that either.
   */
  private ping(): Promise<number> {
    const sent = performance.now();
    return new Promise((resolve, reject) => {
      const answered = () => resolve(performance.now() - sent);
      const request = this.connection.openRequest(
        (requestId) => ({ type: MessageType.TRACK_STATUS, requestId, track: { namespace: [new TextEncoder().encode(".session")], name: new Uint8Array() }, params: {} }),
        { message: answered, ended: answered, closed: reject },
      );
      request.finish();
      this.driver.flush();
    });
  }

  /** Ends the session. No callback follows; pending promises are rejected. */
  close(code: number = SessionError.NO_ERROR, reason = ""): void {
    this.closing = true;
    this.connection.close(code, reason);
    this.driver.flush();
  }

  /** Makes a request, unless none may be made. */
  private act(fail: (e: MoqError) => void, request: () => void): void {
    if (this.connection.closed !== undefined) return fail(this.connection.closed);
    if (this.connection.goingAway) return fail(new MoqError("request", RequestError.GOING_AWAY, "the relay is going away"));
    try {
      request();
    } catch (e) {
      // Names and numbers that cannot be sent.
      if (!(e instanceof RangeError)) throw e;
      return fail(new MoqError("request", RequestError.INTERNAL_ERROR, e.message, { cause: e }));
    }
    this.driver.flush();
  }

  private isolated(h: TrackHandler): TrackHandler {
    return {
      onObject: (o) => this.call(() => h.onObject(o)),
      onGroupEnd: (group, complete) => this.call(() => h.onGroupEnd?.(group, complete)),
      onDone: (code, reason) => this.call(() => h.onDone(code, reason)),
      onGoaway: (uri, timeoutMs) => this.call(() => h.onGoaway?.(uri, timeoutMs)),
    };
  }

  /** Calls the application. Its exceptions are its own: they are reported as uncaught and do not end the session. */
  private call(callback: () => void): void {
    if (this.closing) return;
    try {
      callback();
    } catch (e) {
      queueMicrotask(() => {
        throw e;
      });
    }
  }
}
