// Received video objects -> decoder -> pictures in order of time. Runs in the
// player's worker; everything it decides is decided by GroupQueue and FrameQueue.

import type { MoqObject } from "../moq/index.ts";
import type { CatalogTrack } from "./catalog.ts";
import { sameConfig, videoConfig } from "./decoder-config.ts";
import { FrameQueue } from "./frames.ts";
import { GroupQueue } from "./groups.ts";
import type { JitterEstimator } from "./jitter.ts";
import { renumbered } from "./ledger.ts";
import { readUnit, type MediaUnit } from "./loc.ts";
import type { Timeline } from "./timeline.ts";
import type { WallClock } from "./wallclock.ts";

/** Decoder and decoded pictures together hold this many units; memory is why. */
const MAX_AHEAD = 10;
/** A unit due within this time (µs) is decoded however many are ahead. */
const DUE_SOON_US = 200_000;
/** Units inside the decoder at most: what is inside cannot be taken back. */
const MAX_IN_DECODER = 8;
/** Errors in a row after which the decoder is hopeless and the player says so. */
const MAX_ERRORS = 5;

export interface VideoSink {
  /** The decoder fails again and again; text is for people. */
  undecodable(text: string): void;
  /** There is room in the decoder. */
  wantsMore(): void;
}

export class VideoPipeline {
  readonly frames = new FrameQueue<VideoFrame>();
  private readonly queue = new GroupQueue();
  private decoder: VideoDecoder | undefined;
  private config: VideoDecoderConfig | undefined;
  private track: CatalogTrack | undefined;
  private suspended = false;
  private errors = 0;
  private decoded = 0;
  private discarded = 0;
  /** When the unit of each timestamp went into the decoder, wall-clock ms. */
  private readonly submitted = new Map<number, number>();

  constructor(
    private readonly clock: WallClock,
    private readonly timeline: Timeline,
    private readonly arrivals: JitterEstimator,
    private readonly decodeTimes: JitterEstimator,
    private readonly sink: VideoSink,
  ) {}

  /** Takes an object; live: its delay counts as that of the network. */
  push(track: CatalogTrack, o: MoqObject, live: boolean): void {
    this.setTrack(track);
    const unit = readUnit(o, { kind: "video", timescale: track.timescale });
    if (unit === undefined) return;
    const arrived = this.clock.at(unit.arrivedAt);
    const placed = this.timeline.place(unit, arrived);
    if (this.queue.push(placed) && live) this.arrivals.add(placed.timestamp / 1000, arrived);
  }

  endGroup(group: number): void {
    this.queue.endGroup(group);
  }

  /** A subscription begins: groups numbered far below the ones known mean a new track. */
  joined(largestGroup: number | undefined): void {
    if (renumbered(largestGroup, this.queue.currentGroup)) this.queue.reset();
  }

  /** No picture is wanted: keep what is needed to go on later. */
  suspend(on: boolean): void {
    this.suspended = on;
    this.queue.setNewestOnly(on);
  }

  /** Feeds the decoder with what is due; mediaNow in microseconds. */
  pump(mediaNow: number): void {
    if (this.suspended) return;
    for (;;) {
      const inDecoder = this.decoder?.decodeQueueSize ?? 0;
      if (inDecoder >= MAX_IN_DECODER) return;
      const unit = this.queue.next(mediaNow, inDecoder + this.frames.length < MAX_AHEAD ? Infinity : mediaNow + DUE_SOON_US);
      if (unit === undefined) return;
      this.decode(unit);
    }
  }

  /** Units that are due and not decoded yet. */
  behind(mediaNow: number): boolean {
    return (this.decoder?.decodeQueueSize ?? 0) > 0 || this.queue.hasBefore(mediaNow);
  }

  /** The latest time received, microseconds. */
  get newestTimestamp(): number | undefined {
    return this.queue.newestTimestamp ?? this.frames.newestTimestamp;
  }

  get frameDurationMs(): number {
    return this.queue.frameDurationMicros / 1000;
  }

  get codec(): string {
    return this.config?.codec ?? this.track?.codec ?? "";
  }

  get decodedFrames(): number {
    return this.decoded;
  }

  /** Pictures and units that were never shown. */
  get droppedFrames(): number {
    this.discarded += this.queue.takeDropped() + this.frames.takeDropped();
    return this.discarded;
  }

  /** Forgets all media; counters stay. */
  reset(): void {
    this.queue.reset();
    this.frames.clear();
    this.closeDecoder();
    this.track = undefined;
    this.errors = 0;
  }

  private setTrack(track: CatalogTrack): void {
    if (this.track?.name === track.name && this.track.codec === track.codec) return;
    if (this.track !== undefined) this.queue.reset();
    this.track = track;
  }

  private decode(unit: MediaUnit): void {
    try {
      const decoder = this.prepare(unit);
      this.submitted.set(unit.timestamp, this.clock.now());
      decoder?.decode(new EncodedVideoChunk({ type: unit.key ? "key" : "delta", timestamp: unit.timestamp, data: unit.payload as BufferSource }));
    } catch (e) {
      this.failed(e instanceof Error ? e.message : String(e));
    }
  }

  /** The decoder, configured for the unit; undefined when there is none and the unit cannot start one. */
  private prepare(unit: MediaUnit): VideoDecoder | undefined {
    if (this.track === undefined) return undefined;
    if (!unit.key) return this.decoder;
    const config = videoConfig(this.track, unit);
    if (this.decoder !== undefined && this.config !== undefined && sameConfig(config, this.config)) return this.decoder;
    this.decoder ??= this.create();
    this.decoder.configure(config);
    this.config = config;
    return this.decoder;
  }

  private create(): VideoDecoder {
    const decoder: VideoDecoder = new VideoDecoder({
      output: (frame) => {
        if (decoder === this.decoder) this.output(frame);
        else frame.close();
      },
      error: (e) => {
        if (decoder === this.decoder) this.failed(e.message);
      },
    });
    decoder.addEventListener("dequeue", () => this.sink.wantsMore());
    return decoder;
  }

  private output(frame: VideoFrame): void {
    this.errors = 0;
    this.decoded++;
    const submitted = this.submitted.get(frame.timestamp);
    this.submitted.delete(frame.timestamp);
    if (submitted !== undefined) this.decodeTimes.add(submitted, this.clock.now());
    if (this.suspended) frame.close();
    else this.frames.push(frame);
    this.sink.wantsMore();
  }

  /** A decoder that failed is closed by the browser; a new one starts at the next key unit. */
  private failed(text: string): void {
    this.closeDecoder();
    this.queue.requireKey();
    this.errors++;
    if (this.errors === MAX_ERRORS) this.sink.undecodable(`The ${this.codec} video cannot be decoded (${text}).`);
  }

  private closeDecoder(): void {
    const decoder = this.decoder;
    this.decoder = undefined;
    this.config = undefined;
    this.submitted.clear();
    if (decoder !== undefined && decoder.state !== "closed") decoder.close();
  }
}
