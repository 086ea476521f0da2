// <moqedge-player>: a live player as one element, with the properties, methods
// and events of HTMLMediaElement where they make sense for a live picture.

import type { Condition, PlaybackState, SourceConfig } from "../media/messages.ts";
import type { PlayerStats } from "../media/stats.ts";
import { missingFeature } from "./features.ts";
import { PlayerClient, type PlayerEvent } from "./player-client.ts";
import { PlayerView } from "./player-view.ts";
import { loadSiteConfig, settingsInPage, type SiteConfig } from "./site-config.ts";
import { Sound } from "./sound.ts";

const DEFAULT_TARGET_MS = 300;
const MIN_TARGET_MS = 50;
const MAX_TARGET_MS = 10_000;
/** Between attempts to read the page's settings. */
const CONFIG_RETRY_MS = 2000;

/** What elements are made of. Workers, which run this script as well, have none and make none. */
const Element = typeof HTMLElement === "undefined" ? (class {} as typeof HTMLElement) : HTMLElement;

/** As MediaError: 4 is MEDIA_ERR_SRC_NOT_SUPPORTED. */
export interface PlayerError {
  readonly code: number;
  readonly message: string;
}

/**
 * Attributes: src (https:// URL of the relay; absent: the one of the page's
 * server), name, fingerprint (URL of the certificate's SHA-256), draft (numbers
 * of the MOQT drafts to speak, preferred first, such as "16" or "22 18"; absent:
 * the client's choice), target-latency (ms), autoplay, muted, controls, stats.
 * Events: play, pause, playing, waiting, loadedmetadata, resize, timeupdate,
 * volumechange, error, conditionchange.
 */
export class MoqedgePlayer extends Element {
  static readonly observedAttributes = ["src", "name", "fingerprint", "draft", "target-latency", "controls", "stats"];

  private readonly view: PlayerView;
  private readonly sound: Sound;
  private client: PlayerClient | undefined;
  private isPaused = true;
  private playing: Promise<void> = Promise.resolve();
  private generation = 0;
  private state: PlaybackState = "idle";
  private current: Condition = { kind: "ok" };
  private failure: PlayerError | null = null;
  private hasAudio = false;
  private size = { width: 0, height: 0 };
  private target = DEFAULT_TARGET_MS;
  private readonly visibilityChanged = (): void => this.updateVisible();

  constructor() {
    super();
    this.view = new PlayerView(this, this.attachShadow({ mode: "open" }), {
      play: () => void this.play().catch(() => undefined),
      pause: () => this.pause(),
      unmute: () => (this.muted = false),
      pictureInPictureChanged: () => this.updateVisible(),
    });
    this.sound = new Sound(
      assetURL("audio-worklet.js"),
      {
        port: (port) => this.client?.setAudioPort(port),
        output: (contextTime, at) => this.client?.audioOutput(contextTime, at),
      },
      () => this.refresh(),
    );
  }

  connectedCallback(): void {
    if (!this.hasAttribute("tabindex")) this.tabIndex = 0;
    if (this.hasAttribute("muted")) this.sound.muted = true;
    document.addEventListener("visibilitychange", this.visibilityChanged);
    this.view.connected();
    this.refresh();
    if (this.hasAttribute("autoplay") && this.isPaused) void this.play().catch(() => undefined);
  }

  disconnectedCallback(): void {
    // An element that is only being moved is connected again before this runs.
    queueMicrotask(() => {
      if (this.isConnected) return;
      document.removeEventListener("visibilitychange", this.visibilityChanged);
      this.pause();
      this.closeClient();
      this.view.disconnected();
    });
  }

  attributeChangedCallback(name: string, before: string | null, after: string | null): void {
    if (before === after) return;
    if (name === "target-latency") this.applyTarget(Number(after));
    else if (name === "controls" || name === "stats") this.refresh();
    else if (!this.isPaused) this.restart();
  }

  /** Joins the broadcast at its live edge. Rejects when this browser cannot play. */
  play(): Promise<void> {
    if (!this.isPaused) return this.playing;
    const missing = missingFeature() ?? (this.name === "" ? "No broadcast was named." : undefined);
    if (missing !== undefined) {
      this.fail(missing);
      return Promise.reject(new DOMException(missing, "NotSupportedError"));
    }
    this.isPaused = false;
    this.failure = null;
    this.dispatch("play");
    this.playing = this.begin();
    this.refresh();
    return this.playing;
  }

  /** Leaves the broadcast; the last picture stays. */
  pause(): void {
    if (this.isPaused) return;
    this.isPaused = true;
    this.generation++;
    this.client?.pause();
    this.sound.pause();
    this.dispatch("pause");
    this.refresh();
  }

  get src(): string {
    return this.getAttribute("src") ?? "";
  }
  set src(v: string) {
    this.setAttribute("src", v);
  }
  get name(): string {
    return this.getAttribute("name") ?? "";
  }
  set name(v: string) {
    this.setAttribute("name", v);
  }
  get fingerprint(): string {
    return this.getAttribute("fingerprint") ?? "";
  }
  set fingerprint(v: string) {
    this.setAttribute("fingerprint", v);
  }
  /** Milliseconds from capture to display that playback tends to, if the network allows. */
  get targetLatency(): number {
    return this.target;
  }
  set targetLatency(v: number) {
    this.setAttribute("target-latency", String(v));
  }
  get autoplay(): boolean {
    return this.hasAttribute("autoplay");
  }
  set autoplay(v: boolean) {
    this.toggleAttribute("autoplay", v);
  }
  get controls(): boolean {
    return this.hasAttribute("controls");
  }
  set controls(v: boolean) {
    this.toggleAttribute("controls", v);
  }
  get paused(): boolean {
    return this.isPaused;
  }
  get ended(): boolean {
    return false;
  }
  get duration(): number {
    return Infinity;
  }
  /** Capture time of the picture on screen, seconds since the Unix epoch. */
  get currentTime(): number {
    return (this.client?.stats()?.lastPaintedTimestamp ?? 0) / 1e6;
  }
  /** As HTMLMediaElement: 0 nothing, 1 metadata, 2 a picture, 4 it moves. */
  get readyState(): number {
    if (this.size.width === 0 && this.state !== "playing") return 0;
    return this.state === "playing" ? 4 : 2;
  }
  get videoWidth(): number {
    return this.size.width;
  }
  get videoHeight(): number {
    return this.size.height;
  }
  get error(): PlayerError | null {
    return this.failure;
  }
  /** What the player is doing about it, in words and kinds. */
  get condition(): Condition {
    return this.current;
  }

  get muted(): boolean {
    return this.sound.muted;
  }
  set muted(on: boolean) {
    if (on === this.sound.muted && !this.sound.blocked) return;
    this.sound.muted = on;
    if (!on) this.startSound();
    this.dispatch("volumechange");
    this.refresh();
  }
  get volume(): number {
    return this.sound.volume;
  }
  set volume(v: number) {
    if (!(v >= 0 && v <= 1)) throw new DOMException("The volume must be between 0 and 1.", "IndexSizeError");
    this.sound.volume = v;
    this.dispatch("volumechange");
    this.refresh();
  }
  /** The sound after volume and mute, for an analyser; null while there is none. */
  get audioNode(): AudioNode | null {
    return this.sound.node;
  }

  /** Numbers about playback, as of now; undefined before the first. */
  getStats(): PlayerStats | undefined {
    return this.client?.stats();
  }

  /** What is on the canvas now. */
  captureFrame(): Promise<ImageBitmap> {
    return this.client?.captureFrame() ?? Promise.reject(new DOMException("There is no picture yet.", "InvalidStateError"));
  }

  /** Handles a key as the player does when it has the focus; true when it meant something. */
  handleKey(e: KeyboardEvent): boolean {
    return this.view.handleKey(e);
  }

  private async begin(): Promise<void> {
    const generation = ++this.generation;
    this.take({ type: "condition", condition: { kind: "connecting" } });
    this.take({ type: "state", state: "connecting" });
    // The worker starts while the settings are fetched. Its script is this one, which is here.
    const client = this.openClient();
    const source = await this.source(() => generation === this.generation);
    // Paused, or sent elsewhere, while the settings were on their way.
    if (source === undefined || generation !== this.generation) return;
    client.play(source);
    this.updateVisible();
    if (this.hasAudio) this.startSound();
  }

  /** Where to play from; asks the server as long as `wanted` and it does not answer. */
  private async source(wanted: () => boolean): Promise<SourceConfig | undefined> {
    while (wanted()) {
      try {
        const site = this.src === "" ? await this.site() : { relay: this.src, fingerprint: this.fingerprint || undefined, certificate: undefined };
        const fingerprint = site.fingerprint === undefined ? undefined : new URL(site.fingerprint, document.baseURI).href;
        return { relay: site.relay, name: this.name, fingerprint, certificate: site.certificate, targetLatency: this.target, ...protocolsOf(this.getAttribute("draft")) };
      } catch (e) {
        if (!wanted()) return undefined;
        const text = e instanceof Error ? e.message : String(e);
        this.take({ type: "condition", condition: { kind: "unreachable", text, retryInMs: CONFIG_RETRY_MS } });
        await new Promise((resolve) => setTimeout(resolve, CONFIG_RETRY_MS));
      }
    }
    return undefined;
  }

  /** The settings in the page serve the first time; whoever plays again later asks again. */
  private async site(): Promise<SiteConfig> {
    const inPage = this.generation === 1 ? settingsInPage() : undefined;
    return inPage ?? loadSiteConfig();
  }

  private restart(): void {
    this.pause();
    void this.play().catch(() => undefined);
  }

  private openClient(): PlayerClient {
    this.client ??= new PlayerClient(
      new URL(import.meta.url),
      this.view.newCanvas(),
      (e) => this.take(e),
      (text) => this.fail(text),
    );
    return this.client;
  }

  private closeClient(): void {
    this.client?.close();
    this.client = undefined;
    this.sound.close();
    this.size = { width: 0, height: 0 };
  }

  private take(e: PlayerEvent): void {
    switch (e.type) {
      case "state": {
        const state = this.isPaused ? "idle" : e.state;
        if (state === this.state) return;
        this.state = state;
        if (state === "playing" || state === "waiting") this.dispatch(state);
        break;
      }
      case "condition":
        this.current = e.condition;
        if (e.condition.kind === "unsupported") this.failure = { code: 4, message: e.condition.text };
        this.dispatch("conditionchange");
        if (e.condition.kind === "unsupported") this.dispatch("error");
        break;
      case "tracks":
        this.hasAudio = e.audio;
        if (e.audio && !this.isPaused) this.startSound();
        break;
      case "resize": {
        const first = this.size.width === 0;
        this.size = { width: e.width, height: e.height };
        if (first) this.dispatch("loadedmetadata");
        this.dispatch("resize");
        break;
      }
      case "stats":
        this.view.showStats(this.client?.stats() ?? e.stats);
        if (this.state === "playing") this.dispatch("timeupdate");
        // A gesture anywhere on the page is enough for the browser.
        if (this.sound.blocked && navigator.userActivation?.hasBeenActive === true) this.startSound();
        return;
      case "painted":
        return;
    }
    this.refresh();
  }

  private startSound(): void {
    if (!this.isPaused && this.hasAudio) void this.sound.start();
  }

  private fail(message: string): void {
    this.isPaused = true;
    this.failure = { code: 4, message };
    this.current = { kind: "unsupported", text: message };
    this.state = "idle";
    this.dispatch("error");
    this.dispatch("conditionchange");
    this.refresh();
  }

  private applyTarget(ms: number): void {
    this.target = Number.isFinite(ms) && ms > 0 ? Math.min(MAX_TARGET_MS, Math.max(MIN_TARGET_MS, ms)) : DEFAULT_TARGET_MS;
    this.client?.setTarget(this.target);
    this.refresh();
  }

  private updateVisible(): void {
    this.client?.setVisible(document.visibilityState === "visible" || this.view.floating);
    this.refresh();
  }

  private refresh(): void {
    this.view.refresh({
      state: this.isPaused ? "idle" : this.state,
      condition: this.current,
      hasPicture: this.size.width > 0,
      hasAudio: this.hasAudio,
      blocked: this.sound.blocked,
    });
  }

  private dispatch(type: string): void {
    this.dispatchEvent(new Event(type));
  }
}

/** Files that lie beside this script, of the same version. */
function assetURL(file: string): URL {
  const url = new URL(file, import.meta.url);
  url.search = new URL(import.meta.url).search;
  return url;
}

/** The protocols that an attribute "draft" asks for. */
function protocolsOf(drafts: string | null): { protocols?: readonly string[] } {
  const numbers = drafts?.split(/[\s,]+/).filter((n) => n !== "") ?? [];
  return numbers.length === 0 ? {} : { protocols: numbers.map((n) => `moqt-${n}`) };
}
