/**
 * Two Connections and the network between them, on a virtual clock. Each stream is a queue of its own; which moves
 * next, and in pieces of which size, is decided by a seeded generator, so every test is repeatable.
 */
import assert from "node:assert/strict";
import type { Action, StreamId } from "../../src/moq/actions.ts";
import { Connection, type ConnectionConfig } from "../../src/moq/connection.ts";
import { MoqError } from "../../src/moq/errors.ts";
import { type Draft, DRAFT_18 } from "../../src/moq/wire/draft.ts";

/** mulberry32: numbers from 0 up to 1. */
export function random(seed: number): () => number {
  let a = seed >>> 0;
  return () => {
    a = (a + 0x6d2b79f5) >>> 0;
    let t = a;
    t = Math.imul(t ^ (t >>> 15), t | 1);
    t ^= t + Math.imul(t ^ (t >>> 7), t | 61);
    return ((t ^ (t >>> 14)) >>> 0) / 4294967296;
  };
}

type Item = Uint8Array | { fin: true } | { reset: number };

/** What one side sends on one stream. */
interface Pipe {
  from: End;
  to: End;
  /** The receiver's name of the stream; undefined until it was told of it. */
  id: StreamId | undefined;
  /** The sender's name of it. */
  senderId: StreamId;
  bidirectional: boolean;
  items: Item[];
  paused: boolean;
  stopped: boolean;
}

export interface End {
  readonly name: string;
  readonly connection: Connection;
  /** What it closed the session with. */
  closedWith: { code: number; reason: string } | undefined;
  /** Why its session ended. */
  ended: MoqError | undefined;
  goaways: { uri: string; timeoutMs: number }[];
}

export interface PairOptions {
  seed?: number;
  /** Largest piece that a chunk is cut into; 0 leaves chunks whole. */
  maxPiece?: number;
  /** Default: 18. */
  draft?: Draft;
  client?: Partial<ConnectionConfig>;
  server?: Partial<ConnectionConfig>;
}

export class Pair {
  /** Milliseconds. */
  now = 1000;
  readonly client: End;
  readonly server: End;
  readonly draft: Draft;
  private readonly pipes: Pipe[] = [];
  private readonly next: () => number;
  private readonly maxPiece: number;
  /** Pipes for which this returns true do not move. */
  held: (p: { from: End; senderId: StreamId; bidirectional: boolean }) => boolean = () => false;

  constructor(o: PairOptions = {}) {
    this.next = random(o.seed ?? 1);
    this.maxPiece = o.maxPiece ?? 0;
    this.draft = o.draft ?? DRAFT_18;
    this.client = this.end("client", o.client ?? {});
    this.server = this.end("server", o.server ?? {});
  }

  private end(name: "client" | "server", config: Partial<ConnectionConfig>): End {
    const end = { name, closedWith: undefined, ended: undefined, goaways: [] } as unknown as { -readonly [K in keyof End]: End[K] };
    end.connection = new Connection({
      role: name,
      draft: this.draft,
      implementation: "test",
      now: () => this.now,
      onClosed: (e) => (end.ended = e),
      onGoaway: (uri, timeoutMs) => end.goaways.push({ uri, timeoutMs }),
      ...config,
    });
    return end;
  }

  private other(e: End): End {
    return e === this.client ? this.server : this.client;
  }

  private perform(end: End, a: Action): void {
    const peer = this.other(end);
    switch (a.kind) {
      case "openUni":
      case "openBidi": {
        const bidirectional = a.kind === "openBidi";
        const state = { bidirectional, items: [], paused: false, stopped: false };
        this.pipes.push({ from: end, to: peer, id: undefined, senderId: a.stream, ...state });
        // The way back exists when the peer has heard of the stream.
        return;
      }
      case "write":
        return void this.sending(end, a.stream).items.push(a.bytes);
      case "finish":
        return void this.sending(end, a.stream).items.push({ fin: true });
      case "reset": {
        const p = this.sending(end, a.stream);
        p.items = [...(p.id === undefined ? p.items : []), { reset: a.code }];
        return;
      }
      case "stop": {
        const p = this.receiving(end, a.stream);
        if (p === undefined || p.stopped) return;
        p.stopped = true;
        p.items = [];
        p.from.connection.stopped(p.senderId, a.code);
        return this.flush();
      }
      case "pause":
      case "resume": {
        const p = this.receiving(end, a.stream);
        if (p !== undefined) p.paused = a.kind === "pause";
        return;
      }
      case "close":
        end.closedWith = { code: a.code, reason: a.reason };
        peer.connection.transportClosed(new MoqError("session", a.code, a.reason));
        return this.flush();
    }
  }

  private sending(end: End, stream: StreamId): Pipe {
    const p = this.pipes.find((p) => p.from === end && p.senderId === stream);
    assert.ok(p !== undefined, `${end.name} writes to stream ${stream}, which it cannot`);
    return p;
  }

  private receiving(end: End, stream: StreamId): Pipe | undefined {
    return this.pipes.find((p) => p.to === end && p.id === stream);
  }

  /** Carries out what both sides want done. */
  flush(): void {
    for (const end of [this.client, this.server]) for (const a of end.connection.takeActions()) this.perform(end, a);
  }

  /** Moves one piece of one stream. False if nothing can move. */
  step(): boolean {
    this.flush();
    const ready = this.pipes.filter((p) => p.items.length > 0 && !p.paused && !p.stopped && !this.held(p));
    const p = ready[Math.floor(this.next() * ready.length)];
    if (p === undefined) return false;
    if (p.id === undefined) {
      p.id = p.to.connection.streamOpened(p.bidirectional);
      if (p.bidirectional) {
        this.pipes.push({ from: p.to, to: p.from, id: p.senderId, senderId: p.id, bidirectional: true, items: [], paused: false, stopped: false });
      }
    }
    const item = p.items.shift() as Item;
    if (item instanceof Uint8Array) {
      const size = this.maxPiece === 0 ? item.length : 1 + Math.floor(this.next() * this.maxPiece);
      if (size < item.length) p.items.unshift(item.slice(size));
      p.to.connection.data(p.id, item.slice(0, size));
    } else if ("fin" in item) {
      p.to.connection.fin(p.id);
    } else {
      p.to.connection.reset(p.id, item.reset);
    }
    this.flush();
    return true;
  }

  /** Moves everything that can move. */
  run(): void {
    for (let i = 0; this.step(); i++) assert.ok(i < 1_000_000, "the conversation does not end");
  }

  /** Moves the clock and everything that follows from it. */
  advance(ms: number): void {
    const until = this.now + ms;
    for (;;) {
      this.run();
      const timers = [this.client, this.server].map((e) => e.connection.nextTimer()).filter((t): t is number => t !== undefined && t <= until);
      if (timers.length === 0) break;
      this.now = Math.max(this.now, Math.min(...timers));
      this.client.connection.runTimers();
      this.server.connection.runTimers();
    }
    this.now = until;
    this.run();
  }
}
