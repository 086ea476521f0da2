// Media units, objects and time for the tests of this folder.

import type { MoqObject, Property } from "../../src/moq/index.ts";
import type { MediaUnit } from "../../src/media/loc.ts";
import type { Timers } from "../../src/media/timers.ts";

/** A unit of a track with 30 frames per second and 30 frames per group; group 0 starts at 0. */
export function unit(group: number, object: number, over: Partial<MediaUnit> = {}): MediaUnit {
  return {
    group,
    object,
    timestamp: Math.round(((group * 30 + object) * 1e6) / 30),
    wallClock: true,
    key: object === 0,
    config: undefined,
    payload: new Uint8Array(100),
    arrivedAt: 0,
    ...over,
  };
}

export function object(group: number, id: number, payload: Uint8Array, properties: Property[] = []): MoqObject {
  return { group, subgroup: 0, object: id, priority: 128, status: 0, properties, payload, arrivedAt: 0 };
}

export function utf8(text: string): Uint8Array {
  return new TextEncoder().encode(text);
}

/** Time that passes only when told to. */
export class FakeTimers implements Timers {
  private time = 0;
  private nextId = 1;
  private readonly waiting = new Map<number, { at: number; run: () => void }>();

  now(): number {
    return this.time;
  }

  set(run: () => void, delay: number): unknown {
    const id = this.nextId++;
    this.waiting.set(id, { at: this.time + Math.max(0, delay), run });
    return id;
  }

  clear(timer: unknown): void {
    this.waiting.delete(timer as number);
  }

  /** Lets `ms` pass; promises settle between timers. */
  async pass(ms: number): Promise<void> {
    const end = this.time + ms;
    for (;;) {
      await settle();
      const next = [...this.waiting].filter(([, t]) => t.at <= end).sort((a, b) => a[1].at - b[1].at || a[0] - b[0])[0];
      if (next === undefined) break;
      this.waiting.delete(next[0]);
      this.time = Math.max(this.time, next[1].at);
      next[1].run();
    }
    this.time = end;
    await settle();
  }
}

/** Lets promises that are ready run, also those that take several turns. */
export async function settle(): Promise<void> {
  for (let i = 0; i < 5; i++) await new Promise<void>((resolve) => setImmediate(resolve));
}
