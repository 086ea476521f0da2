// The order in which received units go to the decoder. Groups travel on
// streams of their own, so a new group can overtake the rest of the old one;
// a group can also come late, with holes, or not at all. GroupQueue hands out
// units in decode order and decides when waiting for the rest of a group is
// over and playback goes on at the next key unit.

import type { MediaUnit } from "./loc.ts";

/** A group whose start is this close (ms) to being due is not worth delaying for an older one. */
const DUE_SLACK_MS = 80;
/** A newer group this far (ms) past its time makes undecoded older units worthless. */
const HOPELESS_MS = 250;
/** Two groups this many frame durations apart have nothing between them. */
const ADJACENT_FRAMES = 1.6;

export interface GroupQueueOptions {
  /** Bytes held before the oldest groups are given up; 0: 48 MiB. */
  readonly maxBytes?: number;
}

interface Group {
  readonly id: number;
  readonly units: Map<number, MediaUnit>;
  /** The lowest object id seen and its time. */
  first: number;
  firstTimestamp: number;
  /** The object to decode next; -1 until decoding of the group begins. */
  next: number;
  largest: number;
  maxTimestamp: number;
  /** Nothing more will arrive. */
  ended: boolean;
}

/** Owned by one pipeline; not thread safe. Timestamps are microseconds. */
export class GroupQueue {
  private readonly groups = new Map<number, Group>();
  private readonly maxBytes: number;
  private current: number | undefined;
  private bytes = 0;
  private frameDuration = 0;
  private needKey = true;
  private newestOnly = false;
  private dropped = 0;

  constructor(options: GroupQueueOptions = {}) {
    this.maxBytes = options.maxBytes || 48 << 20;
  }

  /** Takes a unit; false when it is a duplicate or came after its group was left. */
  push(unit: MediaUnit): boolean {
    if (this.current !== undefined && unit.group < this.current) return false;
    let group = this.groups.get(unit.group);
    if (group === undefined) {
      group = {
        id: unit.group, units: new Map(), first: unit.object, firstTimestamp: unit.timestamp,
        next: -1, largest: -1, maxTimestamp: -Infinity, ended: false,
      };
      this.groups.set(unit.group, group);
    }
    if (unit.object < group.next || group.units.has(unit.object)) return false;
    group.units.set(unit.object, unit);
    if (unit.object < group.first) {
      group.first = unit.object;
      group.firstTimestamp = unit.timestamp;
    }
    group.largest = Math.max(group.largest, unit.object);
    group.maxTimestamp = Math.max(group.maxTimestamp, unit.timestamp);
    this.learnDuration(group);
    this.bytes += unit.payload.length;
    if (this.newestOnly && startOf(group) === unit) this.leaveBefore(group.id);
    while (this.bytes > this.maxBytes) this.dropOldest();
    return true;
  }

  /** No more objects of `group` will come, whether it is complete or was cut off. */
  endGroup(group: number): void {
    const g = this.groups.get(group);
    if (g !== undefined) g.ended = true;
  }

  /**
   * The next unit to decode, when the picture due now is the one of media
   * time `mediaNow`; undefined when none can be decoded yet, or none up to
   * the time `until` (microseconds, too).
   */
  next(mediaNow: number, until = Infinity): MediaUnit | undefined {
    this.leaveHopeless(mediaNow - HOPELESS_MS * 1000);
    for (;;) {
      const group = this.current === undefined ? this.enterFirst(mediaNow) : this.groups.get(this.current);
      if (group === undefined && this.current === undefined) return undefined;
      const unit = group === undefined ? undefined : this.take(group, until);
      if (unit === "later") return undefined;
      if (unit !== undefined) return unit;
      if (!this.advance(group, mediaNow)) return undefined;
    }
  }

  /** The decoder lost its state: what follows must begin with a key unit. */
  requireKey(): void {
    this.needKey = true;
  }

  /** While nobody decodes, keep no more than is needed to begin again. */
  setNewestOnly(on: boolean): void {
    this.newestOnly = on;
  }

  /** Forgets everything, for a track that numbers its groups anew. */
  reset(): void {
    this.groups.clear();
    this.current = undefined;
    this.bytes = 0;
    this.requireKey();
  }

  /** Units waiting to be decoded. */
  get length(): number {
    let n = 0;
    for (const g of this.groups.values()) n += g.units.size;
    return n;
  }

  /** The group being decoded. */
  get currentGroup(): number | undefined {
    return this.current;
  }

  /** The latest timestamp received and not yet decoded. */
  get newestTimestamp(): number | undefined {
    let newest = -Infinity;
    for (const g of this.groups.values()) if (g.units.size > 0) newest = Math.max(newest, g.maxTimestamp);
    return newest === -Infinity ? undefined : newest;
  }

  /** Whether a unit waits whose time is at or before `mediaNow`. */
  hasBefore(mediaNow: number): boolean {
    for (const g of this.groups.values()) {
      for (const u of g.units.values()) if (u.timestamp <= mediaNow) return true;
    }
    return false;
  }

  /** Microseconds per frame as measured; 0 until known. */
  get frameDurationMicros(): number {
    return this.frameDuration;
  }

  /** Units given up since the last call. */
  takeDropped(): number {
    const n = this.dropped;
    this.dropped = 0;
    return n;
  }

  private take(group: Group, until: number): MediaUnit | "later" | undefined {
    if (group.next < 0) group.next = group.first;
    for (;;) {
      let unit = group.units.get(group.next);
      if (unit === undefined) {
        // Objects of a group come in order, so a hole will not be filled:
        // go on at a later key unit of the group, if there is one.
        if (group.units.size === 0) return undefined;
        const later = Math.min(...group.units.keys());
        this.requireKey();
        group.next = later;
        unit = group.units.get(later);
        if (unit === undefined) return undefined;
      }
      if (unit.timestamp > until) return "later";
      group.units.delete(group.next);
      group.next++;
      this.bytes -= unit.payload.length;
      if (!this.needKey || unit.key) {
        this.needKey = false;
        return unit;
      }
      this.dropped++;
    }
  }

  /** At the start: the newest group whose key unit is due, else the oldest that has one. */
  private enterFirst(mediaNow: number): Group | undefined {
    const starts = this.startable(-1);
    const chosen = newestDue(starts, mediaNow) ?? starts[0];
    if (chosen !== undefined) this.enter(chosen);
    return chosen;
  }

  /** Leaves the drained current group for a later one, when it is time to. */
  private advance(from: Group | undefined, mediaNow: number): boolean {
    if (this.current === undefined) return false;
    const later = this.startable(this.current);
    const nearest = later[0];
    if (nearest === undefined) return false;
    const follows = (from?.ended === true && nearest.id === from.id + 1) || (from !== undefined && this.adjacent(from, nearest));
    const chosen = follows ? nearest : newestDue(later, mediaNow + DUE_SLACK_MS * 1000);
    if (chosen === undefined) return false;
    this.enter(chosen);
    return true;
  }

  private leaveHopeless(lateBefore: number): void {
    if (this.current === undefined) return;
    const due = newestDue(this.startable(this.current), lateBefore);
    if (due !== undefined) this.enter(due);
  }

  private enter(group: Group): void {
    this.leaveBefore(group.id);
    this.current = group.id;
    this.needKey = true;
  }

  private leaveBefore(id: number): void {
    for (const [key, group] of this.groups) {
      if (key < id) this.discard(group);
    }
  }

  private dropOldest(): void {
    const oldest = Math.min(...this.groups.keys());
    const group = this.groups.get(oldest);
    if (group !== undefined) this.discard(group);
    if (this.current === oldest) this.requireKey();
  }

  private discard(group: Group): void {
    for (const unit of group.units.values()) this.bytes -= unit.payload.length;
    this.dropped += group.units.size;
    this.groups.delete(group.id);
  }

  /** Groups after `after` that can be entered, oldest first. */
  private startable(after: number): Group[] {
    const found = [...this.groups.values()].filter((g) => g.id > after && startOf(g) !== undefined);
    return found.sort((a, b) => a.id - b.id);
  }

  /** Whether `later` starts where what came of `group` ends. */
  private adjacent(group: Group, later: Group): boolean {
    return this.frameDuration > 0 && later.firstTimestamp - group.maxTimestamp <= ADJACENT_FRAMES * this.frameDuration;
  }

  private learnDuration(group: Group): void {
    const frames = group.largest - group.first;
    if (frames >= 4 || (frames > 0 && this.frameDuration === 0)) {
      this.frameDuration = (group.maxTimestamp - group.firstTimestamp) / frames;
    }
  }
}

/** The unit a group can be entered at: its first, when that is a key unit. */
function startOf(group: Group): MediaUnit | undefined {
  const unit = group.units.get(group.next < 0 ? group.first : group.next);
  return unit?.key === true ? unit : undefined;
}

/** Of groups sorted by age, the newest whose start is at or before `limit`. */
function newestDue(groups: readonly Group[], limit: number): Group | undefined {
  for (let i = groups.length - 1; i >= 0; i--) {
    const group = groups[i];
    if (group !== undefined && (startOf(group)?.timestamp ?? Infinity) <= limit) return group;
  }
  return undefined;
}
