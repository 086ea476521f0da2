// When a session that was left may end: once the one that took over has all that
// the old one would still bring, and brings it as early.

import type { GroupLedger } from "./ledger.ts";
import type { MediaKind } from "./selection.ts";

/** What comes this much (ms) after the old session brought it is in time: playback has as much in store. */
const BEHIND_MS = 200;

/** What the new session has brought of one kind of media. */
interface Progress {
  /** The first group that it brought from its beginning; from there on the old session is not needed. */
  whole: number | undefined;
  /** How long after its first arrival the last object came over the new session (ms). */
  behind: number;
}

/** From one session to the next. Lives in one event loop, like its owner. */
export class Handover {
  private readonly progress: ReadonlyMap<MediaKind, Progress>;

  /** kinds: those that the old session brought. */
  constructor(
    kinds: Iterable<MediaKind>,
    private readonly ledger: GroupLedger,
  ) {
    this.progress = new Map([...kinds].map((kind) => [kind, { whole: undefined, behind: Infinity }]));
  }

  /** An object came over the new session, and over any `behind` ms ago at first. */
  came(kind: MediaKind, group: number, object: number, behind: number): void {
    const p = this.progress.get(kind);
    if (p === undefined) return;
    if (object === 0) p.whole ??= group;
    p.behind = behind;
  }

  /** The new session brings no more of a group of which something is missing. */
  broke(kind: MediaKind, group: number): void {
    const p = this.progress.get(kind);
    if (p !== undefined && p.whole !== undefined && p.whole <= group) p.whole = undefined;
  }

  /** Nothing is lost or late when the old session ends now. */
  get over(): boolean {
    for (const [kind, { whole, behind }] of this.progress) {
      if (whole === undefined || behind > BEHIND_MS || this.ledger.awaits(kind, whole)) return false;
    }
    return true;
  }
}
