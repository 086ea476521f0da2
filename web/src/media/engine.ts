// The player without a page: puts receiver, pipelines, clock and canvas
// together and keeps them moving. Runs in a dedicated worker, so that nothing
// the page does delays a picture.

import type { MoqObject } from "../moq/index.ts";
import { AudioPipeline } from "./audio-pipeline.ts";
import type { CatalogTrack } from "./catalog.ts";
import { supported } from "./decoder-config.ts";
import { JitterEstimator } from "./jitter.ts";
import type { ConnectOptions, LinkSession } from "./link.ts";
import type { Condition, FromWorker, PlaybackState, SourceConfig } from "./messages.ts";
import { PlayoutClock } from "./playout.ts";
import { Receiver, type ReceiverEnvironment } from "./receiver.ts";
import { Renderer } from "./renderer.ts";
import { sameTrack, type MediaKind, type Selection } from "./selection.ts";
import { Startup } from "./startup.ts";
import { PaintLog, RateMeter, StallMeter, type PlayerStats } from "./stats.ts";
import { Timeline } from "./timeline.ts";
import { VideoPipeline } from "./video-pipeline.ts";
import type { WallClock } from "./wallclock.ts";

/** How often numbers go to the page (ms). */
const STATS_EVERY_MS = 200;
/** Decoding audio and handing it over takes about this long (ms). */
const AUDIO_DECODE_MS = 10;
const NOTHING = { video: undefined, audio: undefined, unsupported: [] } as const;

export type EngineEnvironment = Omit<ReceiverEnvironment, "supports">;

export class Engine {
  private readonly videoArrivals = new JitterEstimator();
  private readonly audioArrivals = new JitterEstimator();
  private readonly decodeTimes = new JitterEstimator();
  private readonly timeline = new Timeline();
  private readonly paints = new PaintLog();
  private readonly bits = new RateMeter();
  private readonly stalls = new StallMeter();
  private readonly startup = new Startup();
  private readonly video: VideoPipeline;
  private readonly audio: AudioPipeline;
  private clock: PlayoutClock | undefined;
  private renderer: Renderer | undefined;
  private receiver: Receiver | undefined;
  private selection: Selection = NOTHING;
  private state: PlaybackState = "idle";
  private visible = true;
  private painted = 0;
  private reconnectsBefore = 0;
  private readonly groupsBefore = { received: 0, lost: 0 };
  private statsAt = -Infinity;

  constructor(
    private readonly wall: WallClock,
    private readonly env: EngineEnvironment,
    private readonly post: (m: FromWorker, transfer?: Transferable[]) => void,
  ) {
    this.video = new VideoPipeline(wall, this.timeline, this.videoArrivals, this.decodeTimes, {
      undecodable: (text) => this.setCondition({ kind: "unsupported", text }),
      wantsMore: () => this.pump(),
    });
    this.audio = new AudioPipeline(wall, this.timeline, this.audioArrivals);
  }

  setCanvas(canvas: OffscreenCanvas): void {
    this.renderer = new Renderer(canvas, (width, height) => this.post({ type: "resize", width, height }));
  }

  /** Joins the broadcast at its live edge; one that was playing is left. */
  play(source: SourceConfig): void {
    this.pause();
    this.clock = new PlayoutClock(source.targetLatency);
    this.clock.restart(this.wall.now());
    this.startup.begin(this.wall.now());
    this.setState("connecting");
    this.receiver = new Receiver(source, { ...this.env, connect: (o) => this.connect(o), supports: supported }, {
      condition: (c) => this.setCondition(c),
      selected: (s) => this.selected(s),
      object: (kind, track, o, live) => this.take(kind, track, o, live),
      groupEnd: (kind, group) => (kind === "video" ? this.video : this.audio).endGroup(group),
      joined: (kind, group) => (kind === "video" ? this.video : this.audio).joined(group),
    });
    this.receiver.start();
  }

  /** Leaves the broadcast. The picture stays. */
  pause(): void {
    this.reconnectsBefore += this.receiver?.reconnects ?? 0;
    this.groupsBefore.received += this.receiver?.groups.received ?? 0;
    this.groupsBefore.lost += this.receiver?.groups.lost ?? 0;
    this.receiver?.stop();
    this.receiver = undefined;
    this.video.reset();
    this.audio.reset();
    this.timeline.reset();
    for (const j of [this.videoArrivals, this.audioArrivals, this.decodeTimes]) j.reset();
    this.selection = NOTHING;
    this.stalls.rest();
    this.setState("idle");
  }

  setTarget(target: number): void {
    this.clock?.setTarget(target);
  }

  /** Pictures are decoded and painted only while they can be seen. */
  setVisible(visible: boolean): void {
    this.visible = visible;
    this.video.suspend(!visible);
    this.stalls.rest();
  }

  setAudioPort(port: MessagePort | null): void {
    this.audioArrivals.reset();
    this.audio.setPort(port);
  }

  audioOutput(contextTime: number, at: number): void {
    this.audio.clock.output(contextTime, at);
  }

  async capture(id: number): Promise<void> {
    const bitmap = this.painted === 0 ? null : ((await this.renderer?.capture().catch(() => null)) ?? null);
    this.post({ type: "captured", id, bitmap }, bitmap === null ? [] : [bitmap]);
  }

  /** To be called for each refresh of the screen, and a few times per second in any case. */
  tick(): void {
    const now = this.wall.now();
    const clock = this.clock;
    if (clock !== undefined && this.receiver !== undefined) {
      const jumped = clock.update(now, {
        needed: this.needed(now),
        base: least(this.videoArrivals.base(now), this.audioArrivals.base(now)),
        audioLag: this.audio.clock.lagAt(now),
      });
      if (jumped) this.stalls.rest();
      this.audio.anchor(now, clock.mediaAt(now), clock.rate, jumped);
      this.pump();
      this.paint(now, clock);
      this.judge(now);
    }
    if (now - this.statsAt >= STATS_EVERY_MS) {
      this.statsAt = now;
      this.post({ type: "stats", stats: this.stats(now) });
    }
  }

  private needed(now: number): number | undefined {
    const arrival = this.videoArrivals.needed(now);
    const video = arrival === undefined ? undefined : arrival + (this.decodeTimes.needed(now) ?? 0);
    const heard = this.audioArrivals.needed(now);
    const audio = heard === undefined ? undefined : heard + this.audio.clock.renderAhead + AUDIO_DECODE_MS;
    return most(video, audio);
  }

  private async connect(o: ConnectOptions): Promise<LinkSession> {
    const session = await this.env.connect(o);
    this.startup.reached("connected", this.wall.now());
    return session;
  }

  private take(kind: MediaKind, track: CatalogTrack, o: MoqObject, live: boolean): void {
    if (kind === "video" || this.selection.video === undefined) this.startup.reached("received", this.wall.now());
    this.bits.add(o.payload.length, this.wall.now());
    (kind === "video" ? this.video : this.audio).push(track, o, live);
    this.pump();
  }

  private pump(): void {
    if (this.clock === undefined || this.receiver === undefined) return;
    const mediaNow = this.clock.mediaAt(this.wall.now());
    this.video.pump(mediaNow);
    this.audio.pump(mediaNow);
  }

  private paint(now: number, clock: PlayoutClock): void {
    if (!this.visible || this.renderer === undefined) return;
    const mediaNow = clock.mediaAt(now);
    const frame = this.video.frames.due(now, mediaNow, this.video.behind(mediaNow));
    if (frame === undefined) return;
    const timestamp = frame.timestamp;
    this.renderer.paint(frame);
    const at = this.wall.now();
    this.painted++;
    this.paints.painted(timestamp, at);
    this.startup.reached("painted", at);
    this.stalls.moved(at);
    this.post({ type: "painted", timestamp, at });
    this.setState("playing");
  }

  /** Whether playback moves, by what was painted, or heard when there is nothing to paint. */
  private judge(now: number): void {
    const seeing = this.visible && this.selection.video !== undefined;
    const hearing = this.audio.position(now)?.running === true;
    if (!seeing && hearing) {
      this.stalls.moved(now);
      this.setState("playing");
    }
    if (!seeing && !this.audio.active) this.stalls.rest();
    if (this.stalls.check(now, this.video.frameDurationMs)) this.setState("waiting");
  }

  private selected(selection: Selection): void {
    this.startup.reached("cataloged", this.wall.now());
    const known = sameTrack(selection.video, this.selection.video) && sameTrack(selection.audio, this.selection.audio);
    this.selection = selection;
    if (known) return;
    this.post({
      type: "tracks",
      video: selection.video !== undefined,
      audio: selection.audio !== undefined,
      sampleRate: selection.audio?.samplerate,
    });
  }

  private setState(state: PlaybackState): void {
    if (state === this.state) return;
    this.state = state;
    this.post({ type: "state", state });
  }

  private setCondition(condition: Condition): void {
    this.post({ type: "condition", condition });
  }

  private stats(now: number): PlayerStats {
    const newest = this.video.newestTimestamp ?? this.audio.newestTimestamp;
    const shown = this.paints.last?.timestamp;
    const queued = this.audio.position(now)?.queued;
    return {
      latencyMs: this.paints.latency(now),
      audioLatencyMs: this.audio.clock.lagAt(now) ?? NaN,
      targetMs: this.clock?.goalLag ?? NaN,
      bufferMs: newest !== undefined && shown !== undefined ? Math.max(0, (newest - shown) / 1000) : (queued ?? 0) / 1000,
      jitterMs: this.videoArrivals.jitter(now) ?? this.audioArrivals.jitter(now) ?? NaN,
      width: this.painted > 0 ? (this.renderer?.width ?? 0) : 0,
      height: this.painted > 0 ? (this.renderer?.height ?? 0) : 0,
      fps: this.paints.fps(now),
      bitrate: this.bits.bitsPerSecond(now),
      droppedFrames: this.video.droppedFrames,
      decodedFrames: this.video.decodedFrames,
      paintedFrames: this.painted,
      stalls: this.stalls.stalls,
      audioUnderruns: this.audio.position(now)?.underruns ?? 0,
      groupsReceived: this.groupsBefore.received + (this.receiver?.groups.received ?? 0),
      groupsLost: this.groupsBefore.lost + (this.receiver?.groups.lost ?? 0),
      reconnects: this.reconnectsBefore + (this.receiver?.reconnects ?? 0),
      rttMs: this.receiver?.rttMs ?? NaN,
      playbackRate: this.clock?.rate ?? 1,
      lastPaintedTimestamp: shown ?? 0,
      videoCodec: this.selection.video === undefined ? "" : this.video.codec,
      audioCodec: this.selection.audio === undefined ? "" : this.audio.codec,
      transport: this.receiver?.protocol ?? "",
      clockSkewed: this.clock?.clockSkewed ?? false,
      ...this.startup.times,
    };
  }
}

function most(a: number | undefined, b: number | undefined): number | undefined {
  return a === undefined ? b : b === undefined ? a : Math.max(a, b);
}

function least(a: number | undefined, b: number | undefined): number | undefined {
  return a === undefined ? b : b === undefined ? a : Math.min(a, b);
}
