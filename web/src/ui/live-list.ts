// What is live: names announced by the relay, kept up to date, with what their
// catalogs say about them.

import type { MoqObject, TrackHandler } from "../moq/index.ts";
import { CatalogReader, type Catalog } from "../media/catalog.ts";
import { inflate, isCompressed } from "../media/compression.ts";
import { kindOf } from "../media/selection.ts";

const SUFFIX = ".loc";

/** Catalogs read at the same time at most; further names are listed without details. */
const MAX_DETAILS = 64;

/** The part of MoqSession the list uses. */
export interface ListSession {
  subscribe(
    track: { namespace: string[]; name: string },
    options: { joinGroups?: number; priority?: number },
    handler: TrackHandler,
  ): Promise<{ close(): void }>;
  subscribeNamespace(
    prefix: string[],
    on: { add(ns: string[]): void; remove(ns: string[]): void; error(e: Error): void },
  ): { close(): void };
}

export interface LiveEntry {
  readonly name: string;
  /** In words, such as "1280 × 720, 30 fps, H.264, AAC"; "" until known. */
  readonly details: string;
}

/** The broadcast a namespace stands for; undefined for other namespaces. */
export function broadcastName(namespace: readonly string[]): string | undefined {
  const field = namespace[0];
  if (namespace.length !== 1 || field === undefined || !field.endsWith(SUFFIX)) return undefined;
  const name = field.slice(0, -SUFFIX.length);
  return /^[A-Za-z0-9._-]{1,64}$/.test(name) ? name : undefined;
}

/** Watches one session; make another one for another session. */
export class LiveList {
  private readonly entries = new Map<string, { details: string; catalog: { close(): void } | undefined }>();

  /** changed gets the sorted list after every change; ended is told when the relay stops announcing. */
  constructor(
    private readonly session: ListSession,
    private readonly changed: (entries: LiveEntry[]) => void,
    ended: (text: string) => void,
  ) {
    session.subscribeNamespace([], {
      add: (ns) => this.add(ns),
      remove: (ns) => this.remove(ns),
      error: (e) => ended(e.message),
    });
  }

  private add(namespace: string[]): void {
    const name = broadcastName(namespace);
    if (name === undefined || this.entries.has(name)) return;
    this.entries.set(name, { details: "", catalog: undefined });
    this.publish();
    if (this.entries.size <= MAX_DETAILS) void this.watchCatalog(name);
  }

  private remove(namespace: string[]): void {
    const name = broadcastName(namespace);
    const entry = name === undefined ? undefined : this.entries.get(name);
    if (name === undefined || entry === undefined) return;
    this.entries.delete(name);
    entry.catalog?.close();
    this.publish();
  }

  private async watchCatalog(name: string): Promise<void> {
    const reader = new CatalogReader();
    const entry = this.entries.get(name);
    let order = Promise.resolve();
    const read = async (o: MoqObject): Promise<void> => {
      try {
        const catalog = reader.read(o.group, o.object, isCompressed(o.properties) ? await inflate(o.payload) : o.payload);
        const details = catalog === undefined ? "" : describe(catalog);
        if (entry === undefined || details === "" || details === entry.details) return;
        entry.details = details;
        this.publish();
      } catch {
        // A catalog that cannot be read is the player's to complain about.
      }
    };
    const handler: TrackHandler = {
      onObject: (o) => {
        order = order.then(() => read(o));
      },
      onDone: () => undefined,
    };
    try {
      const catalog = await this.session.subscribe({ namespace: [name + SUFFIX], name: "catalog" }, { joinGroups: 0, priority: 200 }, handler);
      if (entry !== undefined && this.entries.get(name) === entry) entry.catalog = catalog;
      else catalog.close();
    } catch {
      // Without details the name is listed all the same.
    }
  }

  private publish(): void {
    const list = [...this.entries].map(([name, e]) => ({ name, details: e.details }));
    this.changed(list.sort((a, b) => a.name.localeCompare(b.name)));
  }
}

/** The catalog in a line. */
export function describe(catalog: Catalog): string {
  const video = catalog.tracks.find((t) => kindOf(t) === "video");
  const audio = catalog.tracks.find((t) => kindOf(t) === "audio");
  const parts: string[] = [];
  if (video?.width !== undefined && video.height !== undefined) parts.push(`${video.width} × ${video.height}`);
  if (video?.framerate !== undefined) parts.push(`${Math.round(video.framerate * 100) / 100} fps`);
  for (const track of [video, audio]) if (track?.codec !== undefined) parts.push(codecName(track.codec));
  if (video === undefined && audio !== undefined) parts.push("sound only");
  return parts.join(", ");
}

/** What people call a codec. */
export function codecName(codec: string): string {
  const known: readonly (readonly [RegExp, string])[] = [
    [/^avc[13]/, "H.264"],
    [/^(hvc1|hev1)/, "H.265"],
    [/^vp8/, "VP8"],
    [/^vp09/, "VP9"],
    [/^av01/, "AV1"],
    [/^mp4a\.40/, "AAC"],
    [/^opus/i, "Opus"],
  ];
  return known.find(([pattern]) => pattern.test(codec))?.[1] ?? codec;
}
