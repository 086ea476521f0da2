// What came of each group, whichever session brought it. While the player moves
// from one session to another both bring the same objects: the ledger says which
// are new. And it counts the groups that came whole and those that did not.

import type { MediaKind } from "./selection.ts";

/** Groups that are not complete are given up once this many newer ones have begun. */
const OPEN_GROUPS = 8;
/** A step in the numbers larger than this is a new numbering, and no loss. */
const MAX_GAP = 60;
/** A subscription that begins this many groups before the newest one known is to a track that numbers anew. */
const RENUMBERED = 5;

/** Whether a subscription whose largest group is `largest` is to a track that numbers its groups anew after `known`. */
export function renumbered(largest: number | undefined, known: number | undefined): boolean {
  return largest !== undefined && known !== undefined && largest + RENUMBERED < known;
}

interface Group {
  /** When each object came first (ms). */
  readonly objects: Map<number, number>;
  complete: boolean;
  /** It ended with something missing. */
  broken: boolean;
  judged: boolean;
}

class Book {
  private readonly groups = new Map<number, Group>();
  private newest: number | undefined;
  private track = "";
  received = 0;
  lost = 0;

  note(track: string, group: number, object: number, now: number): number | undefined {
    if (track !== this.track) this.reset();
    this.track = track;
    let g = this.groups.get(group);
    if (g === undefined) {
      if (this.newest !== undefined && group <= this.newest - OPEN_GROUPS) return undefined; // judged, or of another numbering
      g = { objects: new Map(), complete: false, broken: false, judged: false };
      this.groups.set(group, g);
      this.newest = Math.max(this.newest ?? group, group);
      this.judge();
    }
    const first = g.objects.get(object);
    if (first !== undefined) return now - first;
    g.objects.set(object, now);
    return undefined;
  }

  end(group: number, complete: boolean): void {
    const g = this.groups.get(group);
    if (g === undefined) return;
    if (complete) g.complete = true;
    else g.broken = true;
    this.judge();
  }

  awaits(before: number): boolean {
    const earlier = [...this.groups].filter(([id]) => id < before);
    const last = Math.max(...earlier.map(([id]) => id));
    const leftOut = before - last - 1;
    return (leftOut > 0 && leftOut < MAX_GAP) || earlier.some(([, g]) => !g.complete && !g.broken);
  }

  joined(largest: number | undefined): void {
    if (renumbered(largest, this.newest)) this.reset();
  }

  /** In order: one that is not complete stays open, and those after it, until enough newer ones have begun. */
  private judge(): void {
    const upTo = (this.newest ?? 0) - OPEN_GROUPS;
    const known = [...this.groups].sort(([a], [b]) => a - b);
    for (const [i, [id, g]] of known.entries()) {
      const next = known[i + 1]?.[0];
      if (id > upTo && !g.complete) return;
      if (!g.judged) {
        g.judged = true;
        if (g.complete) this.received++;
        else this.lost++;
      }
      // The last one stays, to be compared with the next; and what may come twice.
      if (next === undefined || (id > upTo && next !== id + 1)) return;
      if (id > upTo) continue;
      if (next - id <= MAX_GAP) this.lost += next - id - 1;
      this.groups.delete(id);
    }
  }

  private reset(): void {
    this.groups.clear();
    this.newest = undefined;
  }
}

/** One per broadcast; not thread safe. */
export class GroupLedger {
  private readonly books: Record<MediaKind, Book> = { video: new Book(), audio: new Book() };

  /** Notes an object of a track that comes at `now` (ms). Returns how long ago it came first (ms); undefined: it is new. */
  note(kind: MediaKind, track: string, group: number, object: number, now: number): number | undefined {
    return this.books[kind].note(track, group, object, now);
  }

  /** The group is over. complete: all of its objects have come; otherwise nobody will bring the rest. */
  end(kind: MediaKind, group: number, complete: boolean): void {
    this.books[kind].end(group, complete);
  }

  /** Whether something of the groups before this one may still come. */
  awaits(kind: MediaKind, before: number): boolean {
    return this.books[kind].awaits(before);
  }

  /** A subscription begins; largest: its largest group so far. */
  joined(kind: MediaKind, largest: number | undefined): void {
    this.books[kind].joined(largest);
  }

  /** Groups that came whole. */
  get received(): number {
    return this.books.video.received + this.books.audio.received;
  }

  /** Groups of which something is missing, and those left out between two that came. */
  get lost(): number {
    return this.books.video.lost + this.books.audio.lost;
  }
}
