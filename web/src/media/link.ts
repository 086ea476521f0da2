// One session and what it is used for: the catalog of one broadcast and its
// media tracks. A Link subscribes again whenever a subscription ends while the
// session lives; when the session ends, the Link is over and its Receiver
// makes another.

import { RequestError, type MoqObject, type Subscription, type TrackHandler } from "../moq/index.ts";
import { CatalogError, CatalogReader, type Catalog, type CatalogTrack } from "./catalog.ts";
import { inflate, isCompressed } from "./compression.ts";
import { EarlyTrack } from "./early.ts";
import { sameTrack, selectTracks, type MediaKind, type Selection, type Supports } from "./selection.ts";
import type { Timers } from "./timers.ts";
import { noPermission } from "./refusal.ts";

/** The part of MoqSession a Link uses. */
export interface LinkSession {
  /** The protocol in use, such as "moqt-18". */
  readonly protocol: string;
  subscribe(
    track: { namespace: string[]; name: string },
    options: { joinGroups?: number; priority?: number; joinPriority?: number },
    handler: TrackHandler,
  ): Promise<Subscription>;
  subscribeNamespace(
    prefix: string[],
    on: { add(ns: string[]): void; remove(ns: string[]): void; error(e: Error): void },
  ): { close(): void };
  stats(): { bytesReceived: number; rttMs?: number };
  close(code?: number, reason?: string): void;
}

/** How a session is asked for. */
export interface ConnectOptions {
  readonly url: string;
  readonly fingerprints: Uint8Array[] | undefined;
  /** To offer, preferred first; undefined: all. */
  readonly protocols: readonly string[] | undefined;
  readonly connectTimeoutMs: number;
  onClosed(e: Error): void;
  onGoaway(uri: string): void;
}

/** Who is told what a Link receives. Nothing is called after close(). */
export interface LinkSink {
  /** Something came over the session. */
  heard(): void;
  selected(selection: Selection): void;
  /** live: not from before the subscription, so its delay is the delay of the network. */
  object(kind: MediaKind, track: CatalogTrack, o: MoqObject, live: boolean): void;
  /** No more of the group is expected; complete: nothing of it is missing. */
  groupEnd(kind: MediaKind, group: number, complete: boolean): void;
  /** A subscription to a media track begins; its largest group so far, if any. */
  joined(kind: MediaKind, largestGroup: number | undefined): void;
  /** The broadcast cannot be had at present; text is for people. */
  offline(text: string): void;
  /** It is live, and nothing of it can be played. */
  unsupported(text: string): void;
  /** The relay wants this viewer to come back over a new session, at uri ("": the same). */
  goaway(uri: string): void;
}

/** Between attempts to subscribe to a broadcast that is not there (ms), in case no announcement comes. */
const POLL_MS = 1500;
/** After a subscription ended while the broadcast goes on (ms). */
const RESUBSCRIBE_MS = 300;
/** A media track without objects for this long (ms) is subscribed again; twice as long each time. */
const SILENT_TRACK_MS = 4000;
const MAX_SILENT_TRACK_MS = 32_000;
/** A question is sent after this much silence (ms), to learn whether the session lives. */
const PING_MS = 1000;

/** What the bridge calls its first tracks. Who has other names loses nothing but the head start. */
export const USUAL_NAMES: ReadonlyMap<MediaKind, string> = new Map([
  ["video", "video"],
  ["audio", "audio"],
]);

const PRIORITY = { catalog: 0, audio: 1, video: 3 } as const;
/**
 * Of what was published before. The first picture needs the key frame, which takes several round trips of a new
 * connection: it comes before live pictures, which wait for it anyway, and before sound that is past.
 */
const JOIN_PRIORITY = { audio: 4, video: 2 } as const;

interface Media {
  readonly kind: MediaKind;
  readonly track: CatalogTrack;
  subscription: Subscription | undefined;
  closed: boolean;
  heardAt: number;
  patience: number;
}

export class Link {
  private readonly namespace: string[];
  private readonly reader = new CatalogReader();
  private catalog: Subscription | undefined;
  private catalogAt = 0;
  private catalogPatience = SILENT_TRACK_MS;
  private subscribing = false;
  private withdrawn = false;
  private watch: { close(): void } | undefined;
  private readonly media = new Map<MediaKind, Media>();
  private readonly early = new Map<MediaKind, EarlyTrack>();
  private selection: Selection | undefined;
  private work: Promise<void> = Promise.resolve();
  private retry: unknown;
  private closed = false;
  private pinged = -Infinity;
  private heardAt: number;

  constructor(
    private readonly session: LinkSession,
    private readonly name: string,
    private readonly supports: Supports,
    private readonly timers: Timers,
    private readonly sink: LinkSink,
    /** The tracks that the catalog is expected to name. */
    private readonly expected: ReadonlyMap<MediaKind, string> = USUAL_NAMES,
  ) {
    this.namespace = [`${name}.loc`];
    this.heardAt = timers.now();
  }

  /** Subscribes; from now on the sink is called. */
  start(): void {
    this.watch = this.session.subscribeNamespace(this.namespace, {
      add: () => {
        this.hear();
        // Who publishes now may not be who did: what was subscribed may be dead.
        if (this.withdrawn) this.leaveAll();
        this.withdrawn = false;
        this.catalogPatience = SILENT_TRACK_MS;
        this.retryCatalog(0);
      },
      remove: () => {
        this.hear();
        this.withdrawn = true;
        if (!this.closed) this.sink.offline(absent(this.name, ""));
      },
      // Without announcements the broadcast is found by asking again and again.
      error: () => this.hear(),
    });
    this.subscribeCatalog();
    for (const [kind, name] of this.expected) {
      const track = { namespace: this.namespace, name };
      this.early.set(kind, new EarlyTrack(this.session, name, track, joining(kind)));
    }
  }

  /** To be called a few times per second: notices what does not come. */
  tick(): void {
    const now = this.timers.now();
    if (this.closed) return;
    if (now - this.heardAt > PING_MS && now - this.pinged > PING_MS) this.ping(now);
    // A catalog that lists nothing and is not renewed may be that of a broadcast before this one.
    if (this.catalog !== undefined && this.media.size === 0 && now - this.catalogAt > this.catalogPatience) {
      this.catalogPatience = Math.min(MAX_SILENT_TRACK_MS, this.catalogPatience * 2);
      this.leaveAll();
      this.subscribeCatalog();
    }
    for (const m of this.media.values()) {
      if (m.subscription === undefined || now - m.heardAt < m.patience) continue;
      const patience = Math.min(MAX_SILENT_TRACK_MS, m.patience * 2);
      this.leave(m);
      this.join(m.kind, m.track, patience);
    }
  }

  /** Milliseconds, where the browser tells it. */
  get rttMs(): number | undefined {
    return this.session.stats().rttMs;
  }

  get protocol(): string {
    return this.session.protocol;
  }

  /** Ends the session and everything on it. */
  close(reason: string): void {
    if (this.closed) return;
    this.closed = true;
    this.timers.clear(this.retry);
    this.watch?.close();
    this.closeEarly();
    for (const m of this.media.values()) m.closed = true;
    this.session.close(0, reason);
  }

  private hear(): void {
    if (this.closed) return;
    this.heardAt = this.timers.now();
    this.sink.heard();
  }

  /** Any answer, even a refusal, proves that the session lives. */
  private ping(now: number): void {
    if (this.catalog === undefined) return;
    this.pinged = now;
    this.catalog.update({ priority: PRIORITY.catalog }).then(
      () => this.hear(),
      () => this.hear(),
    );
  }

  private subscribeCatalog(): void {
    if (this.closed || this.subscribing || this.catalog !== undefined) return;
    this.subscribing = true;
    this.reader.reset();
    this.catalogAt = this.timers.now();
    let over = false;
    const handler: TrackHandler = {
      onObject: (o) => {
        this.hear();
        this.catalogAt = this.timers.now();
        // One at a time: inflating is asynchronous and the order matters.
        this.work = this.work.then(() => this.readCatalog(o));
      },
      onDone: () => {
        over = true;
        if (this.closed) return;
        this.catalog = undefined;
        // Whether the broadcast is over or only this subscription, the next attempt tells.
        this.retryCatalog(RESUBSCRIBE_MS);
      },
      onGoaway: (uri) => this.sink.goaway(uri),
    };
    this.session.subscribe({ namespace: this.namespace, name: "catalog" }, { joinGroups: 0, priority: PRIORITY.catalog }, handler).then(
      (subscription) => {
        this.subscribing = false;
        this.hear();
        if (!over) this.catalog = subscription;
        else this.retryCatalog(RESUBSCRIBE_MS);
      },
      (e: unknown) => {
        this.subscribing = false;
        this.hear();
        if (this.closed) return;
        this.closeEarly();
        this.sink.offline(noPermission(e) ?? absent(this.name, reasonOf(e)));
        this.retryCatalog(POLL_MS);
      },
    );
  }

  private retryCatalog(delay: number): void {
    if (this.closed || this.catalog !== undefined) return;
    this.timers.clear(this.retry);
    this.retry = this.timers.set(() => this.subscribeCatalog(), delay);
  }

  private async readCatalog(o: MoqObject): Promise<void> {
    if (this.closed || o.status !== 0) return;
    try {
      const compressed = isCompressed(o.properties) || isCompressed(this.catalog?.properties ?? []);
      const payload = compressed ? await inflate(o.payload) : o.payload;
      const catalog = this.reader.read(o.group, o.object, payload);
      if (catalog !== undefined) await this.select(catalog);
    } catch (e) {
      if (!this.closed) this.sink.unsupported(e instanceof CatalogError ? e.message : "The catalog could not be read.");
    }
  }

  private async select(catalog: Catalog): Promise<void> {
    const selection = await selectTracks(catalog, this.supports);
    if (this.closed) return;
    this.apply("video", selection.video);
    this.apply("audio", selection.audio);
    this.closeEarly();
    this.selection = selection;
    if (selection.video !== undefined || selection.audio !== undefined) this.sink.selected(selection);
    else if (selection.unsupported.length > 0) {
      this.sink.unsupported(`This browser cannot play ${[...new Set(selection.unsupported)].join(", ")}.`);
    } else this.sink.offline(catalog.isComplete ? `“${this.name}” has ended.` : `“${this.name}” has no picture or sound yet.`);
  }

  private apply(kind: MediaKind, track: CatalogTrack | undefined): void {
    const old = this.media.get(kind);
    if (sameTrack(old?.track, track)) return;
    if (old !== undefined) this.leave(old);
    if (track !== undefined) this.join(kind, track, SILENT_TRACK_MS);
  }

  private leave(m: Media): void {
    m.closed = true;
    m.subscription?.close();
    if (this.media.get(m.kind) === m) this.media.delete(m.kind);
  }

  private closeEarly(): void {
    for (const e of this.early.values()) e.close();
    this.early.clear();
  }

  private leaveAll(): void {
    this.closeEarly();
    for (const m of [...this.media.values()]) this.leave(m);
    this.catalog?.close();
    this.catalog = undefined;
  }

  private join(kind: MediaKind, track: CatalogTrack, patience: number): void {
    const m: Media = { kind, track, subscription: undefined, closed: false, heardAt: this.timers.now(), patience };
    this.media.set(kind, m);
    const early = this.early.get(kind);
    const handler: TrackHandler = {
      onObject: (o) => {
        if (m.closed) return;
        this.hear();
        m.heardAt = this.timers.now();
        m.patience = SILENT_TRACK_MS;
        this.sink.object(kind, track, o, early?.replaying !== true && after(o, m.subscription));
      },
      onGroupEnd: (group, complete) => {
        if (!m.closed) this.sink.groupEnd(kind, group, complete);
      },
      onDone: () => this.rejoin(m, RESUBSCRIBE_MS),
      onGoaway: (uri) => {
        if (!m.closed) this.sink.goaway(uri);
      },
    };
    const namespace = track.namespace === undefined ? this.namespace : [track.namespace];
    const accepted = (subscription: Subscription): void => {
      this.hear();
      if (m.closed) {
        subscription.close();
        return;
      }
      m.subscription = subscription;
      m.heardAt = this.timers.now();
      this.sink.joined(kind, subscription.largest?.group);
    };
    const refused = (): void => {
      this.hear();
      this.rejoin(m, POLL_MS);
    };
    if (early !== undefined && !early.useless && early.name === track.name && namespace[0] === this.namespace[0]) {
      this.early.delete(kind);
      early.claim(handler, accepted, refused);
    } else this.session.subscribe({ namespace, name: track.name }, joining(kind), handler).then(accepted, refused);
  }

  /** The track ended or was refused; as long as the catalog lists it, it may come back. */
  private rejoin(m: Media, delay: number): void {
    if (this.closed || m.closed) return;
    m.closed = true;
    this.timers.set(() => {
      const wanted = m.kind === "video" ? this.selection?.video : this.selection?.audio;
      if (this.closed || this.media.get(m.kind) !== m) return;
      this.media.delete(m.kind);
      if (this.catalog !== undefined && wanted !== undefined) this.join(m.kind, wanted, SILENT_TRACK_MS);
    }, delay);
  }
}

/** How media is subscribed to. */
function joining(kind: MediaKind): { joinGroups: number; priority: number; joinPriority: number } {
  return { joinGroups: 0, priority: PRIORITY[kind], joinPriority: JOIN_PRIORITY[kind] };
}

/** Whether the object was published after the subscription began. */
function after(o: MoqObject, subscription: Subscription | undefined): boolean {
  if (subscription === undefined) return false;
  const largest = subscription.largest;
  return largest === undefined || o.group > largest.group || (o.group === largest.group && o.object > largest.object);
}

/** What is worth telling of a refusal: that nobody publishes is no news. */
function reasonOf(e: unknown): string {
  if (!(e instanceof Error) || ("code" in e && e.code === RequestError.DOES_NOT_EXIST)) return "";
  return e.message;
}

function absent(name: string, reason: string): string {
  return `“${name}” is not live${reason === "" ? "" : ` (${reason})`}. It starts by itself when it is.`;
}
