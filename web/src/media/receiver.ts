// Keeps one broadcast coming, whatever happens to connections: connects, tries
// again with backoff, doubts a silent session and opens another beside it,
// follows GOAWAY, and hands over from the old session to the new one when the
// new one delivers: for a while both do, so that no group is cut off. What it
// receives goes to a sink; it knows no decoder.

import type { MoqObject } from "../moq/index.ts";
import type { CatalogTrack } from "./catalog.ts";
import { parseFingerprints } from "./fingerprint.ts";
import { Handover } from "./handover.ts";
import { GroupLedger } from "./ledger.ts";
import { type ConnectOptions, Link, type LinkSession, type LinkSink, USUAL_NAMES } from "./link.ts";
import { Liveness } from "./liveness.ts";
import type { Condition, SourceConfig } from "./messages.ts";
import { Backoff } from "./reconnect.ts";
import { isProtocolError, noPermission, refusal } from "./refusal.ts";
import type { MediaKind, Selection, Supports } from "./selection.ts";
import type { Timers } from "./timers.ts";

export interface ReceiverSink {
  condition(c: Condition): void;
  selected(selection: Selection): void;
  /** Each object once, whatever the number of sessions. */
  object(kind: MediaKind, track: CatalogTrack, o: MoqObject, live: boolean): void;
  groupEnd(kind: MediaKind, group: number): void;
  joined(kind: MediaKind, largestGroup: number | undefined): void;
}

/** What a Receiver needs of the world. */
export interface ReceiverEnvironment {
  readonly timers: Timers;
  readonly random: () => number;
  readonly supports: Supports;
  connect(o: ConnectOptions): Promise<LinkSession>;
  /** Fetches the fingerprints; asked before every connection, for a restarted relay has new ones. */
  fingerprints(url: string): Promise<Uint8Array[]>;
}

/** For the transport to connect (ms): long enough for a slow way, short enough to try again. */
const CONNECT_TIMEOUT_MS = 2500;
/** The very first attempt may take longer: there is nothing to go back to. */
const FIRST_TIMEOUT_MS = 5000;
/** How often silence is looked for (ms). */
const TICK_MS = 250;
/** A session is taken for silent after this (ms) when there is another reason to doubt it. */
const SILENT_MS = 1000;
/** After the new session took over, the old one is kept this long (ms) at most. */
const HANDOVER_MS = 5000;
/** A relay that GOAWAY named is tried in vain this often before the configured one is again. */
const MAX_AWAY = 3;
/** A new session beside a silent one takes over after this (ms) even if it is silent, too. */
const TAKE_OVER_MS = 3000;

const CLOSED = "The connection to the relay was lost.";

/** Not thread safe: lives in one event loop. start() once, stop() once. */
export class Receiver {
  private current: Link | undefined;
  private next: Link | undefined;
  /** The session before the current one, while it still delivers, and what it is kept for. */
  private retiring: { readonly link: Link; readonly handover: Handover } | undefined;
  private retirement: unknown;
  /** The relay wants this viewer to leave: attempts go on although the session delivers. */
  private leaving = false;
  /** Attempts in vain at a relay that GOAWAY named. */
  private away = 0;
  private connecting = false;
  private everConnected = false;
  private stopped = false;
  /** The sink was told that the relay is unreachable. */
  private complained = false;
  private losses = 0;
  private retry: unknown;
  private takeOver: unknown;
  private ticker: unknown;
  private relay: string;
  private fingerprints: Uint8Array[] | undefined;
  /** Told with the source, and not tried yet. */
  private told: Uint8Array[] | undefined;
  /** The name of the track that comes, by kind. */
  private readonly playing = new Map<MediaKind, string>();
  private readonly ledger = new GroupLedger();
  private readonly backoff: Backoff;
  private readonly liveness = new Liveness();

  constructor(
    private readonly source: Omit<SourceConfig, "targetLatency">,
    private readonly env: ReceiverEnvironment,
    private readonly sink: ReceiverSink,
  ) {
    this.relay = source.relay;
    this.told = source.certificate === undefined ? undefined : parseFingerprints(source.certificate);
    this.fingerprints = this.told;
    this.backoff = new Backoff({ random: env.random });
  }

  start(): void {
    this.sink.condition({ kind: "connecting" });
    void this.connect();
    this.tick();
  }

  /** Leaves at once. Nothing reaches the sink any more. */
  stop(): void {
    this.stopped = true;
    this.env.timers.clear(this.retry);
    this.env.timers.clear(this.takeOver);
    this.env.timers.clear(this.ticker);
    this.retire(undefined);
    this.next?.close("viewer left");
    this.current?.close("viewer left");
  }

  /** Sessions lost and replaced. */
  get reconnects(): number {
    return this.losses;
  }

  /** Groups of which nothing is missing, and those of which something is. */
  get groups(): { readonly received: number; readonly lost: number } {
    return { received: this.ledger.received, lost: this.ledger.lost };
  }

  /** Milliseconds, where the browser tells it. */
  get rttMs(): number | undefined {
    return this.current?.rttMs;
  }

  /** The protocol of the session; "" without one. */
  get protocol(): string {
    return this.current?.protocol ?? "";
  }

  private tick(): void {
    const now = this.env.timers.now();
    this.current?.tick();
    this.next?.tick();
    if (this.liveness.suspect(now) && this.next === undefined) this.reconnectSoon(0);
    this.ticker = this.env.timers.set(() => this.tick(), TICK_MS);
  }

  /** Connects in `delay` ms, unless a connection is on its way. */
  private reconnectSoon(delay: number): void {
    if (this.stopped || this.connecting) return;
    this.env.timers.clear(this.retry);
    this.retry = this.env.timers.set(() => void this.connect(), delay);
  }

  private async connect(): Promise<void> {
    if (this.stopped || this.connecting) return;
    this.connecting = true;
    const { told } = this;
    this.backoff.start(this.env.timers.now());
    try {
      const { link, goaway } = await this.open();
      this.connecting = false;
      this.away = 0;
      this.adopt(link);
      if (goaway !== undefined) this.migrate(link, goaway);
    } catch (e) {
      this.connecting = false;
      // The certificate may have been renewed since: that is no failure yet.
      if (told !== undefined) this.reconnectSoon(0);
      else this.failed(e instanceof Error ? e.message : String(e));
    }
  }

  /** Opens a session; throws an Error whose text is for people. */
  private async open(): Promise<{ link: Link; goaway: string | undefined }> {
    const fingerprints = this.source.fingerprint === undefined ? undefined : await this.currentFingerprints(this.source.fingerprint);
    if (this.stopped) throw new Error("stopped");
    // The session may end before the link exists, so both are kept together.
    const opened: { link?: Link; closed?: Error; goaway?: string } = {};
    const session = await this.env
      .connect({
        url: this.relay,
        fingerprints,
        protocols: this.source.protocols,
        connectTimeoutMs: this.everConnected ? CONNECT_TIMEOUT_MS : FIRST_TIMEOUT_MS,
        onClosed: (e) => {
          opened.closed = e;
          if (opened.link !== undefined) this.lost(opened.link, noPermission(e) ?? (isProtocolError(e) ? `The relay closed the connection: ${e.message}.` : CLOSED));
        },
        onGoaway: (uri) => {
          if (opened.link === undefined) opened.goaway = uri;
          else this.migrate(opened.link, uri);
        },
      })
      .catch((e: unknown) => {
        const text = refusal(this.relay, e);
        if (++this.away >= MAX_AWAY) {
          this.relay = this.source.relay;
          this.away = 0;
        }
        throw new Error(text);
      });
    if (opened.closed !== undefined) throw new Error(CLOSED);
    if (this.stopped) {
      session.close(0, "viewer left");
      throw new Error("stopped");
    }
    const link: Link = new Link(session, this.source.name, this.env.supports, this.env.timers, this.sinkFor(() => link), this.names());
    opened.link = link;
    return { link, goaway: opened.goaway };
  }

  /** What a new session will be asked for: what the last one played. */
  private names(): ReadonlyMap<MediaKind, string> {
    return new Map([...USUAL_NAMES, ...this.playing]);
  }

  /** The fingerprints that came with the source, once; then as they are told now; when nobody tells them, as on the way to another relay, those known. */
  private async currentFingerprints(url: string): Promise<Uint8Array[]> {
    const { told } = this;
    this.told = undefined;
    if (told !== undefined) return told;
    try {
      this.fingerprints = await this.env.fingerprints(url);
    } catch (e) {
      if (this.fingerprints === undefined) throw e;
    }
    return this.fingerprints;
  }

  private adopt(link: Link): void {
    const now = this.env.timers.now();
    this.everConnected = true;
    this.backoff.succeed(now);
    if (this.current === undefined) {
      this.current = link;
      this.liveness.begin(now);
    } else {
      this.next?.close("replaced");
      this.next = link;
      this.awaitTakeOver(link);
    }
    link.start();
  }

  /** The new session takes over with its first media; without any, only from a session that is silent, too. */
  private awaitTakeOver(link: Link): void {
    this.env.timers.clear(this.takeOver);
    this.takeOver = this.env.timers.set(() => {
      if (this.liveness.silentFor(this.env.timers.now()) > SILENT_MS) this.promote(link);
      else this.awaitTakeOver(link);
    }, TAKE_OVER_MS);
  }

  /** Makes the new session the one that counts. */
  private promote(link: Link): void {
    if (this.next !== link) return;
    this.env.timers.clear(this.takeOver);
    this.losses++;
    this.leaving = false;
    const old = this.current;
    this.current = link;
    this.next = undefined;
    this.liveness.begin(this.env.timers.now());
    this.retire(old);
  }

  /** Keeps a session until the current one has all that it would bring, and closes the one before it at once. */
  private retire(link: Link | undefined): void {
    this.env.timers.clear(this.retirement);
    this.retiring?.link.close("replaced");
    this.retiring = link && { link, handover: new Handover(this.playing.keys(), this.ledger) };
    if (link === undefined) return;
    this.retirement = this.env.timers.set(() => this.retire(undefined), HANDOVER_MS);
  }

  private object(link: Link, kind: MediaKind, track: CatalogTrack, o: MoqObject, live: boolean): void {
    const retiring = this.retiring?.link === link;
    if (link === this.current) this.playing.set(kind, track.name);
    else if (!retiring || this.playing.get(kind) !== track.name) return;
    this.recovered();
    const age = this.ledger.note(kind, track.name, o.group, o.object, this.env.timers.now());
    if (!retiring) this.retiring?.handover.came(kind, o.group, o.object, age ?? 0);
    if (age === undefined) this.sink.object(kind, track, o, live);
    this.checkHandover();
  }

  private groupEnd(link: Link, kind: MediaKind, group: number, complete: boolean): void {
    if (link !== this.current && link !== this.retiring?.link) return;
    if (!complete && link === this.current && this.retiring !== undefined) {
      this.retiring.handover.broke(kind, group); // the old session may bring what is missing
      return;
    }
    this.ledger.end(kind, group, complete);
    // What the old session misses, the new one may bring.
    if (complete || link === this.current) this.sink.groupEnd(kind, group);
    this.checkHandover();
  }

  private checkHandover(): void {
    if (this.retiring?.handover.over === true) this.retire(undefined);
  }

  private failed(text: string): void {
    if (this.stopped) return;
    const now = this.env.timers.now();
    const pause = this.backoff.fail(now);
    // A session that still delivers needs no complaint, and no replacement unless it is to be left.
    const silent = this.current === undefined || this.liveness.silentFor(now) > SILENT_MS;
    if (silent) this.complain(text, pause);
    if (silent || this.leaving) this.reconnectSoon(pause);
  }

  private complain(text: string, retryInMs: number): void {
    this.complained = true;
    this.sink.condition({ kind: "unreachable", text, retryInMs });
  }

  /** Media comes: an earlier complaint no longer holds, nor the wish to connect again. */
  private recovered(): void {
    if (!this.complained) return;
    this.complained = false;
    if (this.next === undefined && !this.leaving) this.env.timers.clear(this.retry);
    this.sink.condition({ kind: "ok" });
  }

  private lost(link: Link, text: string): void {
    if (this.stopped) return;
    if (link === this.next) {
      this.next = undefined;
      this.env.timers.clear(this.takeOver);
      link.close("lost");
      this.failed(CLOSED);
      return;
    }
    if (link === this.retiring?.link) this.retire(undefined);
    if (link !== this.current) return;
    link.close("lost");
    this.current = undefined;
    this.leaving = false;
    this.liveness.stop();
    if (this.next !== undefined) {
      this.promote(this.next);
      return;
    }
    this.losses++;
    if (this.connecting) this.complain(text, 0);
    else this.failed(text);
  }

  /** GOAWAY (moqt-18 §10.4): the new session is made while the old one still delivers. */
  private migrate(link: Link, uri: string): void {
    if (this.stopped || (link !== this.current && link !== this.next)) return;
    if (link === this.current && this.next !== undefined) return; // on the way
    if (uri !== "") this.relay = uri;
    this.away = 0;
    this.leaving = true;
    if (link === this.next) {
      // From one that leaves to another that does: not in a hurry.
      this.next = undefined;
      this.env.timers.clear(this.takeOver);
      link.close("leaving");
      this.reconnectSoon(this.backoff.fail(this.env.timers.now()));
      return;
    }
    this.backoff.reset();
    this.reconnectSoon(0);
  }

  /** The events of one link; they count while it is the current one or about to be. */
  private sinkFor(self: () => Link): LinkSink {
    const counts = (): boolean => !this.stopped && (self() === this.current || self() === this.next);
    const isCurrent = (): boolean => !this.stopped && self() === this.current;
    return {
      heard: () => {
        if (isCurrent()) this.liveness.heard(this.env.timers.now());
      },
      selected: (selection) => {
        if (!counts()) return;
        this.sink.selected(selection);
        if (isCurrent()) this.recovered();
        this.sink.condition({ kind: "ok" });
      },
      object: (kind, track, o, live) => {
        if (this.stopped) return;
        if (self() === this.next) this.promote(self());
        this.object(self(), kind, track, o, live);
      },
      groupEnd: (kind, group, complete) => {
        if (!this.stopped) this.groupEnd(self(), kind, group, complete);
      },
      joined: (kind, largest) => {
        if (!counts()) return;
        this.ledger.joined(kind, largest);
        this.sink.joined(kind, largest);
      },
      offline: (text) => {
        if (isCurrent()) this.sink.condition({ kind: "offline", text });
      },
      unsupported: (text) => {
        if (isCurrent()) this.sink.condition({ kind: "unsupported", text });
      },
      goaway: (uri) => this.migrate(self(), uri),
    };
  }
}
