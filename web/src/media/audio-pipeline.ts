// Received audio objects -> decoder -> chunks for the worklet. Runs in the
// player's worker. Without a port to the worklet nothing is decoded.

import type { MoqObject } from "../moq/index.ts";
import type { AudioChunk, AudioPosition } from "./audio-ring.ts";
import { AudioClock } from "./audio-clock.ts";
import type { CatalogTrack } from "./catalog.ts";
import { audioConfig, sameConfig } from "./decoder-config.ts";
import { GroupQueue } from "./groups.ts";
import type { JitterEstimator } from "./jitter.ts";
import { renumbered } from "./ledger.ts";
import { readUnit, type MediaUnit } from "./loc.ts";
import type { FromWorklet, ToWorklet } from "./messages.ts";
import type { Timeline } from "./timeline.ts";
import type { WallClock } from "./wallclock.ts";

/** Audio that should have been heard this long (µs) ago is not decoded any more. */
const TOO_LATE_US = 100_000;
/** Decoded this much (µs) before its time at most. */
const AHEAD_US = 4_000_000;
/** A worklet that reported nothing for this long (ms) is not running: what it got would pile up. */
const ASLEEP_AFTER_MS = 3000;
/** The worklet is told at least this often (ms) where playback should be. */
const ANCHOR_EVERY_MS = 100;

export class AudioPipeline {
  readonly clock = new AudioClock();
  private readonly queue = new GroupQueue({ maxBytes: 8 << 20 });
  private decoder: AudioDecoder | undefined;
  private config: AudioDecoderConfig | undefined;
  /**
   * Times (µs) of the units in the decoder, each of which becomes one AudioData.
   * The browser counts on from the time of the first unit, so that its figures
   * are wrong after a hole, and drift when the publisher's clock is corrected.
   */
  private decoding: number[] = [];
  private track: CatalogTrack | undefined;
  private port: MessagePort | undefined;
  private reportedAt = -Infinity;
  private anchoredAt = -Infinity;
  private anchoredRate = 1;

  constructor(
    private readonly wall: WallClock,
    private readonly timeline: Timeline,
    private readonly arrivals: JitterEstimator,
  ) {}

  /** Sends decoded audio to `port` from now on; null: stops decoding. */
  setPort(port: MessagePort | null): void {
    this.port?.close();
    this.port = port ?? undefined;
    this.clock.reset();
    this.closeDecoder();
    if (port === null) return;
    this.reportedAt = this.wall.now();
    port.onmessage = (e: MessageEvent<FromWorklet>) => {
      this.reportedAt = this.wall.now();
      this.clock.report(e.data, this.reportedAt);
    };
    this.anchoredAt = -Infinity;
  }

  /** Takes an object; live: its delay counts as that of the network. */
  push(track: CatalogTrack, o: MoqObject, live: boolean): void {
    if (this.track?.name !== track.name || this.track.codec !== track.codec) {
      if (this.track !== undefined) this.queue.reset();
      this.closeDecoder();
      this.track = track;
    }
    const unit = readUnit(o, { kind: "audio", timescale: track.timescale });
    if (unit === undefined) return;
    const arrived = this.wall.at(unit.arrivedAt);
    const placed = this.timeline.place(unit, arrived);
    // Delays of audio nobody hears must not delay the picture.
    if (this.queue.push(placed) && live && this.port !== undefined) this.arrivals.add(placed.timestamp / 1000, arrived);
  }

  endGroup(group: number): void {
    this.queue.endGroup(group);
  }

  /** A subscription begins: groups numbered far below the ones known mean a new track. */
  joined(largestGroup: number | undefined): void {
    if (renumbered(largestGroup, this.queue.currentGroup)) this.queue.reset();
  }

  /** Decodes what is due soon and drops what is too late; mediaNow in microseconds. */
  pump(mediaNow: number): void {
    const awake = this.port !== undefined && this.wall.now() - this.reportedAt < ASLEEP_AFTER_MS;
    for (;;) {
      const unit = this.queue.next(mediaNow, mediaNow + AHEAD_US);
      if (unit === undefined) return;
      if (awake && unit.timestamp >= mediaNow - TOO_LATE_US) this.decode(unit);
    }
  }

  /** Tells the worklet that media time `mediaNow` (µs) shall be heard at wall-clock `now` (ms). */
  anchor(now: number, mediaNow: number, rate: number, resync: boolean): void {
    const contextTime = this.clock.contextTimeAt(now);
    if (this.port === undefined || contextTime === undefined) return;
    if (!resync && rate === this.anchoredRate && now - this.anchoredAt < ANCHOR_EVERY_MS) return;
    if (resync) this.clock.jump(now);
    this.anchoredAt = now;
    this.anchoredRate = rate;
    this.post({ type: "anchor", anchor: { timestamp: mediaNow, contextTime, rate }, resync });
  }

  /** What the worklet said last, while that counts. */
  position(now: number): AudioPosition | undefined {
    return this.port === undefined ? undefined : this.clock.current(now);
  }

  get active(): boolean {
    return this.port !== undefined;
  }

  get newestTimestamp(): number | undefined {
    return this.queue.newestTimestamp;
  }

  get codec(): string {
    return this.track?.codec ?? "";
  }

  /** Forgets all media. */
  reset(): void {
    this.queue.reset();
    this.closeDecoder();
    this.track = undefined;
    this.post({ type: "clear" });
  }

  private decode(unit: MediaUnit): void {
    if (this.track === undefined) return;
    try {
      const config = audioConfig(this.track, unit);
      const known = this.config !== undefined && (unit.config === undefined || sameConfig(config, this.config));
      if (this.decoder === undefined || !known) {
        this.decoder ??= this.create();
        this.decoder.configure(config);
        this.config = config;
      }
      this.decoding.push(unit.timestamp);
      this.decoder.decode(new EncodedAudioChunk({ type: "key", timestamp: unit.timestamp, data: unit.payload as BufferSource }));
    } catch {
      // The next unit starts a new decoder: every unit of audio is a key unit.
      this.closeDecoder();
    }
  }

  private create(): AudioDecoder {
    const decoder: AudioDecoder = new AudioDecoder({
      output: (data) => {
        if (decoder === this.decoder) this.output(data);
        data.close();
      },
      error: () => {
        if (decoder === this.decoder) this.closeDecoder();
      },
    });
    return decoder;
  }

  private output(data: AudioData): void {
    const channels: Float32Array<ArrayBuffer>[] = [];
    for (let c = 0; c < data.numberOfChannels; c++) {
      const plane = new Float32Array(data.numberOfFrames);
      data.copyTo(plane, { planeIndex: c, format: "f32-planar" });
      channels.push(plane);
    }
    const timestamp = this.decoding.shift() ?? data.timestamp;
    const chunk: AudioChunk = { timestamp, sampleRate: data.sampleRate, channels };
    this.post({ type: "chunk", chunk }, channels.map((c) => c.buffer));
  }

  private post(message: ToWorklet, transfer: Transferable[] = []): void {
    this.port?.postMessage(message, transfer);
  }

  private closeDecoder(): void {
    const decoder = this.decoder;
    this.decoder = undefined;
    this.config = undefined;
    this.decoding = [];
    if (decoder !== undefined && decoder.state !== "closed") decoder.close();
  }
}
