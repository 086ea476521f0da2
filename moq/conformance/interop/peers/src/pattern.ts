// The tracks of the Go package pattern, once more: what they hold is computed
// here without looking at what the other side sent.

/** One object of a track. Properties are as on the wire. */
export interface PatternObject {
  readonly group: number;
  readonly subgroup: number;
  readonly id: number;
  readonly priority: number;
  readonly properties: Uint8Array;
  readonly payload: Uint8Array;
  readonly datagram: boolean;
}

export type TrackName = "plain" | "gaps" | "datagrams";

interface Shape {
  readonly id: number;
  readonly priority: number;
  readonly objects: readonly number[];
}

const SHAPES: Record<TrackName, readonly Shape[]> = {
  plain: [{ id: 0, priority: 128, objects: [0, 1, 2, 3] }],
  gaps: [
    { id: 0, priority: 10, objects: [0, 1, 5] },
    { id: 2, priority: 20, objects: [2, 7] },
  ],
  datagrams: [{ id: 0, priority: 128, objects: [0, 1, 2] }],
};

const PROP_NUMBER = 0x78;
const PROP_TEXT = 0x79;

/** How a draft writes integers: RFC 9000 up to 16, vi64 from 17 on. */
export type Integers = "rfc9000" | "vi64";

export function integersOf(draft: number): Integers {
  return draft <= 16 ? "rfc9000" : "vi64";
}

/** Numbers below 2^21 are enough here. */
export function encodeInteger(n: number, as: Integers): number[] {
  if (n < 0 || n >= 1 << 21) throw new Error(`${n} is not needed in tests`);
  const low = (count: number): number[] => Array.from({ length: count }, (_, i) => (n >> (8 * (count - 1 - i))) & 0xff);
  if (as === "rfc9000") {
    if (n < 1 << 6) return [n];
    return n < 1 << 14 ? [0x40 | (n >> 8), ...low(1)] : [0x80 | (n >> 24), ...low(3)];
  }
  if (n < 1 << 7) return [n];
  return n < 1 << 14 ? [0x80 | (n >> 8), ...low(1)] : [0xc0 | (n >> 16), ...low(2)];
}

/** The objects of a group, in ascending order of subgroups. */
export function groupOf(track: TrackName, group: number, integers: Integers): PatternObject[] {
  return SHAPES[track].flatMap((s) =>
    s.objects.map((id) => ({
      group,
      subgroup: s.id,
      id,
      priority: s.priority,
      properties: track === "gaps" && id >= 5 ? properties(group, id, integers) : new Uint8Array(),
      payload: payload(track, group, s.id, id),
      datagram: track === "datagrams",
    })),
  );
}

/** The subgroup that ends each group. */
export function lastSubgroup(track: TrackName): number {
  return SHAPES[track].at(-1)?.id ?? 0;
}

function properties(group: number, id: number, integers: Integers): Uint8Array {
  const text = new TextEncoder().encode(`p${group}`);
  return Uint8Array.from([
    ...encodeInteger(PROP_NUMBER, integers),
    ...encodeInteger(group * 1000 + id, integers),
    ...encodeInteger(PROP_TEXT - PROP_NUMBER, integers),
    ...encodeInteger(text.length, integers),
    ...text,
  ]);
}

function payload(track: TrackName, group: number, subgroup: number, id: number): Uint8Array {
  const size = track !== "datagrams" && id === 1 ? 20011 : 40 + id;
  const text = `${track}/${group}/${subgroup}/${id};`;
  return new TextEncoder().encode(text.repeat(Math.ceil(size / text.length)).slice(0, size));
}

/** An object as a peer gave it to us; what the peer does not tell is undefined. */
export interface Received {
  readonly group: number;
  readonly id: number;
  readonly subgroup?: number | undefined;
  readonly priority?: number | undefined;
  readonly properties?: Uint8Array | undefined;
  readonly payload: Uint8Array;
}

/** Collects objects and compares each with the pattern. */
export class Tally {
  readonly problems: string[] = [];
  private readonly seen = new Map<number, Set<number>>();

  constructor(
    readonly track: TrackName,
    private readonly integers: Integers,
  ) {}

  take(o: Received): void {
    const want = groupOf(this.track, o.group, this.integers).find((w) => w.id === o.id);
    const where = `${this.track} ${o.group}/${o.id}`;
    if (want === undefined) {
      this.problems.push(`${where} does not exist`);
      return;
    }
    const ids = this.seen.get(o.group) ?? new Set<number>();
    this.seen.set(o.group, ids);
    if (ids.has(o.id)) this.problems.push(`${where} came twice`);
    ids.add(o.id);
    if (o.subgroup !== undefined && o.subgroup !== want.subgroup) this.problems.push(`${where}: subgroup ${o.subgroup}, want ${want.subgroup}`);
    if (o.priority !== undefined && o.priority !== want.priority) this.problems.push(`${where}: priority ${o.priority}, want ${want.priority}`);
    if (o.properties !== undefined && hex(o.properties) !== hex(want.properties)) {
      this.problems.push(`${where}: properties ${hex(o.properties)}, want ${hex(want.properties)}`);
    }
    if (!same(o.payload, want.payload)) {
      this.problems.push(`${where}: payload ${JSON.stringify(start(o.payload))} (${o.payload.length} bytes), want ${JSON.stringify(start(want.payload))} (${want.payload.length} bytes)`);
    }
  }

  /** Groups of which all objects came, ascending. */
  whole(): number[] {
    const size = SHAPES[this.track].reduce((n, s) => n + s.objects.length, 0);
    return [...this.seen].filter(([, ids]) => ids.size === size).map(([g]) => g).sort((a, b) => a - b);
  }

  /** The longest run of whole groups without a gap. */
  run(): number[] {
    let best: number[] = [];
    let run: number[] = [];
    for (const g of this.whole()) {
      run = run.at(-1) === g - 1 ? [...run, g] : [g];
      if (run.length > best.length) best = run;
    }
    return best;
  }
}

function same(a: Uint8Array, b: Uint8Array): boolean {
  return a.length === b.length && a.every((v, i) => v === b[i]);
}

function start(b: Uint8Array): string {
  return new TextDecoder().decode(b.subarray(0, 40));
}

export function hex(b: Uint8Array): string {
  return [...b].map((v) => v.toString(16).padStart(2, "0")).join("");
}
