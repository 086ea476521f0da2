/**
 * Puts the objects of a track in order: fetched ones before the live ones that follow them, and the streams of one
 * group into each other. Knows nothing of streams and requests.
 */
import type { Timer } from "./actions.ts";
import type { Location, MoqObject } from "./types.ts";
import { ObjectStatus } from "./wire/subgroup.ts";

/** How long an object waits for a smaller ID that another stream of its group may bring. */
export const GAP_MS = 100;
/** Limits of what waits for the fetch. */
export const MAX_HELD_OBJECTS = 4096;
export const MAX_HELD_BYTES = 32 * 1024 * 1024;
const MAX_GROUPS = 64;
const MAX_DATAGRAM_IDS = 1024;

export interface OrderOutput {
  object(o: MoqObject): void;
  groupEnd(group: number, complete: boolean): void;
  /** More waits for the fetch than is allowed: call endFetch. */
  overflow(): void;
  after(ms: number, run: () => void): Timer;
  cancelTimer(t: Timer | undefined): void;
}

/** A live stream of a group. */
export interface LiveStream {
  readonly group: number;
}

interface Group {
  id: number;
  /** The ID after the last one delivered. */
  next: number;
  streams: Set<LiveStream>;
  /** Objects that wait, by ID. */
  held: MoqObject[];
  timer: Timer | undefined;
  /** No larger IDs than those seen exist. */
  endMarked: boolean;
  lost: boolean;
  /** groupEnd was called. */
  reported: boolean;
  /** IDs that came in datagrams. */
  datagrams: Set<number>;
  /** The ID after the last one fetched. */
  fetchedTo: number;
}

export class TrackOrder {
  private readonly groups = new Map<number, Group>();
  /** Largest group seen. */
  private newest = -1;
  /** Set while objects up to `to` are being fetched; groups before `position` are done. */
  private fetch: { position: number; to: Location } | undefined;
  /** The track spreads groups over several streams. */
  private layered = false;
  private heldObjects = 0;
  private heldBytes = 0;

  constructor(private readonly out: OrderOutput) {}

  /** Objects from the start of group `from` to `to` are being fetched. Live ones of these groups wait for them. */
  beginFetch(from: number, to: Location): void {
    this.fetch = { position: from, to };
  }

  get fetching(): boolean {
    return this.fetch !== undefined;
  }

  /** A fetched object. They come in ascending order. */
  fetched(o: MoqObject): void {
    this.fetchReached(o.group);
    this.place(o, true);
    if (this.fetch !== undefined && o.group === this.fetch.to.group && o.object >= this.fetch.to.object) this.endFetch(false);
  }

  /** The fetch knows nothing of what lies between its last object and this location. */
  fetchUnknown(to: Location): void {
    if (this.fetch === undefined) return;
    for (const g of this.groups.values()) if (g.id >= this.fetch.position && g.id < to.group) g.lost = true;
    this.fetchReached(to.group);
    this.group(to.group).lost = true;
  }

  private fetchReached(group: number): void {
    if (this.fetch === undefined || group <= this.fetch.position) return;
    this.fetch.position = group;
    this.settle();
  }

  /** Nothing more is fetched; lost says that there should have been more. */
  endFetch(lost: boolean): void {
    const fetch = this.fetch;
    if (fetch === undefined) return;
    this.fetch = undefined;
    if (lost) {
      for (const g of this.groups.values()) if (g.id >= fetch.position && g.id <= fetch.to.group) g.lost = true;
    }
    this.settle();
  }

  opened(stream: LiveStream): void {
    const g = this.group(stream.group);
    if (g.streams.size > 0) this.layered = true;
    g.streams.add(stream);
    this.sawGroup(g.id);
  }

  live(o: MoqObject): void {
    this.place(o, false);
  }

  /** An object sent in a datagram: it comes as it arrives, unless it waits for a fetch. */
  datagram(o: MoqObject): void {
    this.sawGroup(o.group);
    const g = this.group(o.group);
    if (o.object < g.fetchedTo || g.datagrams.has(o.object)) return;
    if (g.datagrams.size >= MAX_DATAGRAM_IDS) g.datagrams.clear();
    g.datagrams.add(o.object);
    if (this.isFetching(g)) this.hold(g, o);
    else this.deliver(g, o);
    this.checkEnd(g);
  }

  /** The stream is finished. endOfGroup: its last object was the last of the group. lost: it was cut off. */
  closed(stream: LiveStream, end: { lost: boolean; endOfGroup: boolean }): void {
    const g = this.group(stream.group);
    g.streams.delete(stream);
    if (end.lost) g.lost = true;
    if (end.endOfGroup) g.endMarked = true;
    this.drain(g);
    this.checkEnd(g);
  }

  /** Delivers what waits and ends all groups: nothing more will come. */
  finish(): void {
    this.endFetch(true);
    this.newest = Infinity;
    for (const g of [...this.groups.values()].sort((a, b) => a.id - b.id)) {
      for (const o of this.takeHeld(g)) if (o.object >= g.next) this.deliver(g, o);
      if (g.streams.size > 0) g.lost = true;
      g.streams.clear();
      this.checkEnd(g);
    }
  }

  /** Forgets everything, and calls nothing any more. */
  discard(): void {
    for (const g of this.groups.values()) this.out.cancelTimer(g.timer);
    this.groups.clear();
    this.fetch = undefined;
  }

  private group(id: number): Group {
    let g = this.groups.get(id);
    if (g === undefined) {
      g = { id, next: 0, streams: new Set(), held: [], timer: undefined, endMarked: false, lost: false, reported: false, datagrams: new Set(), fetchedTo: 0 };
      this.groups.set(id, g);
      this.trim();
    }
    return g;
  }

  private trim(): void {
    if (this.groups.size <= MAX_GROUPS) return;
    for (const g of this.groups.values()) {
      if (g.reported && g.streams.size === 0) this.groups.delete(g.id);
      if (this.groups.size <= MAX_GROUPS) return;
    }
  }

  private sawGroup(id: number): void {
    if (id <= this.newest) return;
    this.newest = id;
    for (const g of [...this.groups.values()]) this.checkEnd(g);
  }

  private isFetching(g: Group): boolean {
    return this.fetch !== undefined && g.id >= this.fetch.position && g.id <= this.fetch.to.group;
  }

  private place(o: MoqObject, isFetched: boolean): void {
    this.sawGroup(o.group);
    const g = this.group(o.group);
    if (isFetched) g.fetchedTo = o.object + 1;
    // Already delivered, or the gap it would have filled was given up.
    if (o.object < g.next) return;
    if (!isFetched && (this.isFetching(g) || this.mustWait(g, o))) return this.hold(g, o);
    this.deliver(g, o);
    this.drain(g);
    this.checkEnd(g);
  }

  private mustWait(g: Group, o: MoqObject): boolean {
    return o.object > g.next && (this.layered || g.streams.size > 1);
  }

  private hold(g: Group, o: MoqObject): void {
    let at = g.held.length;
    while (at > 0 && (g.held[at - 1] as MoqObject).object > o.object) at--;
    if (g.held[at - 1]?.object === o.object) return;
    g.held.splice(at, 0, o);
    this.heldObjects++;
    this.heldBytes += o.payload.length;
    this.armTimer(g);
    if (this.heldObjects > MAX_HELD_OBJECTS || this.heldBytes > MAX_HELD_BYTES) {
      if (this.fetch !== undefined) this.out.overflow();
      else this.skipGap(g);
    }
  }

  /** Objects that wait for a gap, and not for the fetch, wait for a limited time. */
  private armTimer(g: Group): void {
    if (g.timer !== undefined || g.held.length === 0 || this.isFetching(g)) return;
    g.timer = this.out.after(GAP_MS, () => {
      g.timer = undefined;
      if (!this.isFetching(g)) this.skipGap(g);
    });
  }

  private skipGap(g: Group): void {
    const o = g.held[0];
    if (o === undefined) return;
    g.next = Math.max(g.next, o.object);
    this.drain(g);
    this.armTimer(g);
    this.checkEnd(g);
  }

  /** Delivers what waits for nothing any more. */
  private drain(g: Group): void {
    if (this.isFetching(g)) return;
    for (let o = g.held[0]; o !== undefined; o = g.held[0]) {
      if (o.object > g.next && this.mustWait(g, o)) break;
      g.held.shift();
      this.released(o);
      if (o.object >= g.next) this.deliver(g, o);
    }
    if (g.held.length === 0) {
      this.out.cancelTimer(g.timer);
      g.timer = undefined;
    } else {
      this.armTimer(g);
    }
  }

  private takeHeld(g: Group): MoqObject[] {
    const held = g.held;
    g.held = [];
    for (const o of held) this.released(o);
    this.out.cancelTimer(g.timer);
    g.timer = undefined;
    return held;
  }

  private released(o: MoqObject): void {
    this.heldObjects--;
    this.heldBytes -= o.payload.length;
  }

  private deliver(g: Group, o: MoqObject): void {
    g.next = Math.max(g.next, o.object + 1);
    if (o.status !== ObjectStatus.NORMAL) g.endMarked = true;
    this.out.object(o);
  }

  /** The fetch has moved: releases what waited for it. */
  private settle(): void {
    for (const g of [...this.groups.values()].sort((a, b) => a.id - b.id)) {
      if (this.isFetching(g)) continue;
      this.drain(g);
      this.checkEnd(g);
    }
  }

  private checkEnd(g: Group): void {
    if (g.reported || g.streams.size > 0 || g.held.length > 0 || this.isFetching(g)) return;
    if (!g.endMarked && !g.lost && g.id >= this.newest) return;
    g.reported = true;
    this.out.groupEnd(g.id, !g.lost);
  }
}
