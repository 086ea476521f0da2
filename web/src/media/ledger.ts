// What came of each group, whichever session brought it. While the player moves
// from one session to another both bring the same objects: the ledger says which
// are new. And it counts the groups that came whole and those that did not.

import type { MediaKind } from "./selection.ts";

/** Groups are judged once this many newer ones have begun. */
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
  readonly objects: Set<number>;
  complete: boolean;
}

class Book {
  private readonly groups = new Map<number, Group>();
  private newest: number | undefined;
  private track = "";
  received = 0;
  lost = 0;

  /** Notes an object; false: it was there. */
  note(track: string, group: number, object: number): boolean {
    if (track !== this.track) this.reset();
    this.track = track;
    let g = this.groups.get(group);
    if (g === undefined) {
      if (this.newest !== undefined && group <= this.newest - OPEN_GROUPS) return true; // judged, or of another numbering
      g = { objects: new Set(), complete: false };
      this.groups.set(group, g);
      this.newest = Math.max(this.newest ?? group, group);
      this.judge(this.newest - OPEN_GROUPS);
    }
    if (g.objects.has(object)) return false;
    g.objects.add(object);
    return true;
  }

  end(group: number): void {
    const g = this.groups.get(group);
    if (g !== undefined) g.complete = true;
  }

  joined(largest: number | undefined): void {
    if (renumbered(largest, this.newest)) this.reset();
  }

  /** Closes what there is up to a group; the last of it stays, to be compared with the next. */
  private judge(upTo: number): void {
    const open = [...this.groups.keys()].sort((a, b) => a - b);
    for (const [i, id] of open.entries()) {
      const next = open[i + 1];
      if (id > upTo || next === undefined) return;
      if (this.groups.get(id)?.complete === true) this.received++;
      else this.lost++;
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

  /** Notes an object of a track; false: it was there already. */
  note(kind: MediaKind, track: string, group: number, object: number): boolean {
    return this.books[kind].note(track, group, object);
  }

  /** All objects of the group have come. */
  end(kind: MediaKind, group: number): void {
    this.books[kind].end(group);
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
