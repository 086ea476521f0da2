// Decoded audio on its way to the loudspeaker. AudioRing turns chunks with
// media times into the samples of each rendering quantum: it starts in step
// with the playout clock, resamples to change speed, fills holes with silence,
// and says which media time it is playing. It runs inside the AudioWorklet and
// knows nothing of it.

/** Chunks this far (µs) from where they should be are taken as adjoining. */
const ADJOIN_US = 12_000;
/** A step in the media times larger than this (µs) is not a hole but a new timeline. */
const JUMP_US = 1_000_000;
/** Without data for this long (s) playing ends; it begins again in step with the clock. */
const GIVE_UP_S = 0.25;
/** Samples over which the sound fades in after silence. */
const FADE_IN = 128;
/** Per-sample decay of the last value when data runs out, so that it does not click. */
const DECAY = 0.97;
/** Audio waiting, beyond which the oldest is dropped (µs). */
const MAX_QUEUED_US = 12_000_000;

/** Planar samples with the media time of the first, in microseconds. */
export interface AudioChunk {
  readonly timestamp: number;
  readonly sampleRate: number;
  readonly channels: readonly Float32Array[];
}

/** At context time `contextTime` (s) the sound of media time `timestamp` (µs) shall be rendered. */
export interface AudioAnchor {
  readonly timestamp: number;
  readonly contextTime: number;
  readonly rate: number;
}

export interface AudioPosition {
  /** Sound is being played (not silence for want of data). */
  readonly running: boolean;
  /** The media time (µs) rendered at contextTime (s). */
  readonly timestamp: number;
  readonly contextTime: number;
  readonly rate: number;
  /** Audio not yet played, microseconds. */
  readonly queued: number;
  /** How often data ran out while playing. */
  readonly underruns: number;
}

/** Owned by the thread that renders. */
export class AudioRing {
  private readonly chunks: AudioChunk[] = [];
  /** Position in the first chunk, in samples, with fraction. */
  private cursor = 0;
  /** Media time of the cursor, µs. */
  private position = 0;
  private running = false;
  private starvedFor = 0;
  private underruns = 0;
  private fade = 0;
  /** In the middle of a hole, which is filled to its end. */
  private filling = false;
  private last: number[] = [];
  private anchor: AudioAnchor | undefined;

  /** contextRate: samples per second of the output. */
  constructor(private readonly contextRate: number) {}

  /** Takes a chunk; chunks come in the order of their times. */
  push(chunk: AudioChunk): void {
    if (lengthOf(chunk) === 0 || chunk.sampleRate <= 0) return;
    this.chunks.push(chunk);
    while (this.queued() > MAX_QUEUED_US && this.chunks.length > 1) this.dropHead();
  }

  /** Says where playback should be; while sound plays only the rate is followed. */
  setAnchor(anchor: AudioAnchor): void {
    this.anchor = anchor;
  }

  /** Drops what is queued for a time that has been given up; starts anew with the anchor. */
  resync(): void {
    this.running = false;
    this.fade = 0;
  }

  /** Drops everything. */
  clear(): void {
    this.chunks.length = 0;
    this.cursor = 0;
    this.anchor = undefined;
    this.resync();
  }

  /** Fills one quantum that begins at contextTime (s). All outputs have the same length. */
  render(outputs: readonly Float32Array[], contextTime: number): void {
    const frames = outputs[0]?.length ?? 0;
    for (const out of outputs) out.fill(0);
    if (frames === 0) return;
    const seconds = frames / this.contextRate;
    if (!this.running && !this.start(contextTime, seconds)) return;
    const rate = this.anchor?.rate ?? 1;
    let done = 0;
    while (done < frames) {
      const head = this.chunks[0];
      if (head === undefined) {
        this.starve(outputs, done, (frames - done) / this.contextRate);
        return;
      }
      const headTime = head.timestamp + (this.cursor / head.sampleRate) * 1e6;
      const hole = headTime - this.position;
      if (Math.abs(hole) > JUMP_US) {
        // Another timeline: silent until the clock gets there.
        this.running = false;
        return;
      }
      this.filling = hole > (this.filling ? 0 : ADJOIN_US);
      if (this.filling) {
        // Lost audio: silence for as long as it would have taken.
        const silent = Math.min(frames - done, Math.ceil((hole / 1e6 / rate) * this.contextRate));
        this.position += (silent / this.contextRate) * 1e6 * rate;
        this.fade = 0;
        done += silent;
        continue;
      }
      if (hole < -ADJOIN_US) {
        this.skip(head, -hole);
        continue;
      }
      this.position = headTime;
      done = this.copy(head, outputs, done, frames, rate);
    }
    this.starvedFor = 0;
  }

  /** Where playback is, for a quantum that begins at contextTime (s). */
  state(contextTime: number): AudioPosition {
    return {
      running: this.running && this.starvedFor === 0,
      timestamp: this.position,
      contextTime,
      rate: this.anchor?.rate ?? 1,
      queued: this.queued(),
      underruns: this.underruns,
    };
  }

  /** Drops what is too old for the anchor and says whether sound is due in this quantum. */
  private start(contextTime: number, seconds: number): boolean {
    const anchor = this.anchor;
    if (anchor === undefined) return false;
    const due = anchor.timestamp + (contextTime - anchor.contextTime) * 1e6 * anchor.rate;
    while (this.chunks[0] !== undefined && endOf(this.chunks[0]) <= due) this.dropHead();
    const head = this.chunks[0];
    if (head === undefined || head.timestamp > due + seconds * 1e6) return false;
    this.cursor = Math.max(0, ((due - head.timestamp) / 1e6) * head.sampleRate);
    this.position = Math.max(due, head.timestamp);
    this.running = true;
    this.filling = false;
    this.starvedFor = 0;
    this.fade = 0;
    return true;
  }

  /** Resamples from the head into the outputs; returns how far they are filled. */
  private copy(head: AudioChunk, outputs: readonly Float32Array[], from: number, frames: number, rate: number): number {
    const step = (head.sampleRate / this.contextRate) * rate;
    const length = lengthOf(head);
    const count = Math.min(frames - from, Math.max(1, Math.ceil((length - this.cursor) / step)));
    const next = this.chunks[1];
    for (let c = 0; c < outputs.length; c++) {
      const out = outputs[c];
      const source = channelFor(head, c, outputs.length);
      const after = next === undefined ? undefined : channelFor(next, c, outputs.length)?.[0];
      if (out === undefined || source === undefined) continue;
      let at = this.cursor;
      for (let i = 0; i < count; i++, at += step) {
        const whole = Math.floor(at);
        const a = source[whole] ?? 0;
        const b = source[whole + 1] ?? after ?? a;
        const gain = this.fade + i < FADE_IN ? (this.fade + i) / FADE_IN : 1;
        out[from + i] = (a + (b - a) * (at - whole)) * gain;
      }
      this.last[c] = out[from + count - 1] ?? 0;
    }
    this.fade = Math.min(FADE_IN, this.fade + count);
    this.cursor += count * step;
    this.position += ((count * step) / head.sampleRate) * 1e6;
    if (this.cursor >= length) {
      this.chunks.shift();
      this.cursor = 0;
    }
    return from + count;
  }

  private starve(outputs: readonly Float32Array[], from: number, seconds: number): void {
    if (this.starvedFor === 0) this.underruns++;
    this.starvedFor += seconds;
    this.fade = 0;
    for (let c = 0; c < outputs.length; c++) {
      const out = outputs[c];
      let value = this.last[c] ?? 0;
      for (let i = from; out !== undefined && i < out.length; i++) {
        value *= DECAY;
        out[i] = value;
      }
      this.last[c] = value;
    }
    if (this.starvedFor > GIVE_UP_S) this.running = false;
  }

  /** Moves the cursor on by `micros`, at most to the end of the head. */
  private skip(head: AudioChunk, micros: number): void {
    this.cursor += (micros / 1e6) * head.sampleRate;
    if (this.cursor >= lengthOf(head)) this.dropHead();
  }

  private dropHead(): void {
    this.chunks.shift();
    this.cursor = 0;
  }

  private queued(): number {
    const first = this.chunks[0];
    const last = this.chunks[this.chunks.length - 1];
    if (first === undefined || last === undefined) return 0;
    return Math.max(0, endOf(last) - first.timestamp - (this.cursor / first.sampleRate) * 1e6);
  }
}

function lengthOf(chunk: AudioChunk): number {
  return chunk.channels[0]?.length ?? 0;
}

function endOf(chunk: AudioChunk): number {
  return chunk.timestamp + (lengthOf(chunk) / chunk.sampleRate) * 1e6;
}

/** Mono goes to every output; channels beyond those of the chunk repeat the last one. */
function channelFor(chunk: AudioChunk, output: number, outputs: number): Float32Array | undefined {
  if (outputs === 1 || chunk.channels.length > output) return chunk.channels[output];
  return chunk.channels[chunk.channels.length - 1];
}
