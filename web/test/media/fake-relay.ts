// A relay for the tests of Receiver and Link: says what it is told to say.

import type { MoqObject, Subscription, TrackHandler } from "../../src/moq/index.ts";
import type { ConnectOptions, LinkSession } from "../../src/media/link.ts";
import { object, utf8, type FakeTimers } from "./make.ts";

const catalogOf = (names: { video: string; audio: string }) => ({
  version: "draft-01",
  tracks: [
    { name: names.video, packaging: "loc", isLive: true, role: "video", codec: "vp8" },
    { name: names.audio, packaging: "loc", isLive: true, role: "audio", codec: "opus" },
  ],
});

interface Sub {
  readonly track: string;
  readonly handler: TrackHandler;
  closed: boolean;
}

/** One session, as the relay sees it. */
export class FakeSession implements LinkSession {
  readonly protocol = "moqt-18";
  readonly subs: Sub[] = [];
  /** Requests and tracks go unanswered, as when the other end vanished. */
  dead = false;
  closedWith: string | undefined;
  private watch: { add(ns: string[]): void; remove(ns: string[]): void } | undefined;

  constructor(
    private readonly relay: FakeRelay,
    readonly options: ConnectOptions,
  ) {}

  subscribe(track: { namespace: string[]; name: string }, _o: object, handler: TrackHandler): Promise<Subscription> {
    if (this.dead) return new Promise(() => undefined);
    const known = track.name === "catalog" || Object.values(this.relay.names).includes(track.name);
    if (!this.relay.live || !known) return Promise.reject(Object.assign(new Error("DOES_NOT_EXIST"), { code: 0x10, kind: "request" }));
    const sub: Sub = { track: track.name, handler, closed: false };
    this.subs.push(sub);
    return Promise.resolve({
      largest: { group: this.relay.group, object: 0 },
      properties: [],
      update: () => (this.dead ? new Promise<void>(() => undefined) : Promise.resolve()),
      close: () => {
        sub.closed = true;
      },
    });
  }

  subscribeNamespace(_prefix: string[], on: { add(ns: string[]): void; remove(ns: string[]): void }): { close(): void } {
    this.watch = on;
    return { close: () => (this.watch = undefined) };
  }

  stats(): { bytesReceived: number } {
    return { bytesReceived: 0 };
  }

  close(_code?: number, reason = ""): void {
    this.closedWith = reason;
    for (const s of this.subs) s.closed = true;
  }

  /** Subscriptions that count. */
  get open(): string[] {
    return this.subs.filter((s) => !s.closed).map((s) => s.track);
  }

  send(track: string, o: MoqObject): void {
    if (this.dead) return;
    for (const s of this.subs) if (s.track === track && !s.closed) s.handler.onObject(o);
  }

  endGroup(track: string, group: number, complete = true): void {
    if (this.dead) return;
    for (const s of this.subs) if (s.track === track && !s.closed) s.handler.onGroupEnd?.(group, complete);
  }

  /** PUBLISH_DONE on every track. */
  done(): void {
    for (const s of this.subs) {
      if (!s.closed) s.handler.onDone(0x2, "");
      s.closed = true;
    }
  }

  announce(live: boolean): void {
    if (this.dead) return;
    if (live) this.watch?.add(["cam.loc"]);
    else this.watch?.remove(["cam.loc"]);
  }

  /** The transport ends. */
  lose(): void {
    this.options.onClosed(Object.assign(new Error("gone"), { code: 0, kind: "transport" }));
  }
}

export class FakeRelay {
  readonly sessions: FakeSession[] = [];
  /** Connections are accepted, refused, or not answered. */
  mode: "up" | "down" | "silent" = "up";
  live = true;
  /** Of its tracks; there are no others. */
  names = { video: "video", audio: "audio" };
  group = 5;
  catalogs = 0;
  /** What viewers have to expect; undefined: anything. */
  certificate: Uint8Array | undefined;
  readonly attempts: number[] = [];
  readonly urls: string[] = [];

  constructor(private readonly timers: FakeTimers) {}

  connect(o: ConnectOptions): Promise<LinkSession> {
    this.attempts.push(this.timers.now());
    this.urls.push(o.url);
    if (this.certificate !== undefined && !o.fingerprints?.some((f) => String(f) === String(this.certificate))) return Promise.reject(new Error("not this certificate"));
    if (this.mode === "down") return Promise.reject(new Error("refused"));
    if (this.mode === "silent") {
      return new Promise((_, reject) => this.timers.set(() => reject(new Error("timeout")), o.connectTimeoutMs));
    }
    const session = new FakeSession(this, o);
    this.sessions.push(session);
    return Promise.resolve(session);
  }

  catalog(session: FakeSession | undefined): void {
    session?.send("catalog", object(this.catalogs++, 0, utf8(JSON.stringify(catalogOf(this.names)))));
  }

  /** The catalog and a picture, as a live broadcast sends them. */
  play(session: FakeSession | undefined = this.sessions[this.sessions.length - 1]): void {
    this.catalog(session);
    session?.send(this.names.video, object(this.group++, 0, utf8("picture"), [{ type: 0x10, value: 1 }]));
  }
}
