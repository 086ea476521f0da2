// What the player looks like and how it is operated: canvas, status, controls,
// numbers, keys. It reads the element's properties and calls its methods, as a
// page could.

import type { Condition, PlaybackState } from "../media/messages.ts";
import type { PlayerStats } from "../media/stats.ts";
import { ControlBar } from "./control-bar.ts";
import { make } from "./dom.ts";
import { icon } from "./icons.ts";
import { PictureInPicture } from "./picture-in-picture.ts";
import type { MoqedgePlayer } from "./player-element.ts";
import { playerStyles } from "./player-styles.ts";
import { StatsOverlay } from "./stats-overlay.ts";
import { StatusVeil, statusView } from "./status-veil.ts";

/** Controls go away after this long (ms) without a movement. */
const QUIET_AFTER_MS = 2800;
const VOLUME_STEP = 0.05;

export interface ViewActions {
  play(): void;
  pause(): void;
  unmute(): void;
  pictureInPictureChanged(): void;
}

export interface ViewState {
  readonly state: PlaybackState;
  readonly condition: Condition;
  readonly hasPicture: boolean;
  readonly hasAudio: boolean;
  readonly blocked: boolean;
}

/** Owns everything in the shadow root. */
export class PlayerView {
  private readonly stage = make("div", { class: "stage", part: "stage" });
  private readonly veil = new StatusVeil();
  private readonly overlay = new StatsOverlay();
  private readonly bar: ControlBar;
  private readonly start = make("button", { class: "start", type: "button", "aria-label": "Play", part: "start" }, icon("play"));
  private readonly unmute = make("button", { class: "unmute", type: "button", hidden: true, part: "unmute" }, icon("muted"), "Tap to unmute");
  private readonly pip: PictureInPicture;
  private canvas: HTMLCanvasElement | undefined;
  private state: ViewState | undefined;
  /** The viewer has seen to the sound: no need to offer it. */
  private soundChosen = false;
  private quietTimer: ReturnType<typeof setTimeout> | undefined;
  private readonly fullscreenChanged = (): void => this.refresh();

  constructor(
    private readonly player: MoqedgePlayer,
    root: ShadowRoot,
    private readonly actions: ViewActions,
  ) {
    this.pip = new PictureInPicture(() => actions.pictureInPictureChanged());
    this.bar = new ControlBar({
      togglePlay: () => this.togglePlay(),
      toggleMute: () => this.toggleMute(),
      setVolume: (v) => this.setVolume(v),
      setTarget: (ms) => (player.targetLatency = ms),
      toggleStats: () => player.toggleAttribute("stats"),
      togglePictureInPicture: () => this.togglePictureInPicture(),
      toggleFullscreen: () => this.toggleFullscreen(),
    });
    root.adoptedStyleSheets = [playerStyles()];
    this.stage.append(this.veil.element, this.overlay.element, this.start, this.unmute, this.bar.element);
    root.append(this.stage);
    this.start.addEventListener("click", () => actions.play());
    this.unmute.addEventListener("click", () => this.toggleMute());
    this.listen();
  }

  connected(): void {
    document.addEventListener("fullscreenchange", this.fullscreenChanged);
  }

  disconnected(): void {
    document.removeEventListener("fullscreenchange", this.fullscreenChanged);
    this.pip.close();
    this.veil.close();
    clearTimeout(this.quietTimer);
  }

  /** The picture floats above other windows. */
  get floating(): boolean {
    return this.pip.active;
  }

  /** A fresh canvas in place of the old one: a canvas can be given to one worker only. */
  newCanvas(): HTMLCanvasElement {
    this.canvas?.remove();
    this.canvas = make("canvas", { role: "img", "aria-label": `Live video: ${this.player.name}`, part: "video" });
    this.stage.prepend(this.canvas);
    return this.canvas;
  }

  /** Shows a state of affairs; without one, looks at the properties again. */
  refresh(state: ViewState | undefined = this.state): void {
    this.state = state;
    if (state === undefined) return;
    const { player } = this;
    const view = statusView(state.state, state.condition);
    this.veil.show(view, state.hasPicture);
    this.start.hidden = state.state !== "idle" || state.condition.kind === "unsupported";
    this.unmute.hidden = !(state.hasAudio && state.state === "playing" && (state.blocked || (player.muted && !this.soundChosen)));
    this.overlay.element.hidden = !player.hasAttribute("stats");
    this.bar.element.hidden = !player.controls;
    this.bar.update({
      paused: player.paused,
      live: state.state === "playing",
      muted: player.muted || state.blocked,
      volume: player.volume,
      hasAudio: state.hasAudio,
      targetLatency: player.targetLatency,
      stats: player.hasAttribute("stats"),
      fullscreen: document.fullscreenElement === player,
      canFullscreen: document.fullscreenEnabled === true,
      pictureInPicture: this.pip.active,
      canPictureInPicture: PictureInPicture.supported && state.hasPicture,
    });
    if (state.state !== "playing") this.wake();
  }

  showStats(stats: PlayerStats): void {
    this.bar.showLatency(this.state?.state === "playing" ? stats.latencyMs : NaN);
    if (!this.overlay.element.hidden) this.overlay.update(stats);
  }

  /** Acts on a key; true when it meant something. */
  handleKey(e: KeyboardEvent): boolean {
    if (e.ctrlKey || e.metaKey || e.altKey || e.defaultPrevented) return false;
    const inControl = e.composedPath().find((t): t is HTMLElement => t instanceof HTMLElement && t.matches("button, select, input"));
    switch (e.key) {
      case " ":
        // On a button or a list, space belongs to it.
        if (inControl !== undefined) return false;
        this.togglePlay();
        break;
      case "k":
        this.togglePlay();
        break;
      case "m":
        this.toggleMute();
        break;
      case "f":
        this.toggleFullscreen();
        break;
      case "i":
        this.player.toggleAttribute("stats");
        break;
      case "ArrowUp":
      case "ArrowDown":
        if (inControl !== undefined && !inControl.matches("button")) return false;
        this.setVolume((this.player.muted ? 0 : this.player.volume) + (e.key === "ArrowUp" ? VOLUME_STEP : -VOLUME_STEP));
        break;
      default:
        return false;
    }
    e.preventDefault();
    this.wake();
    return true;
  }

  private listen(): void {
    this.player.addEventListener("keydown", (e) => this.handleKey(e));
    this.player.addEventListener("pointermove", () => this.wake());
    this.player.addEventListener("focusin", () => this.wake());
    // Any gesture will do where the browser waits for one.
    for (const gesture of ["pointerup", "keydown"]) {
      this.player.addEventListener(gesture, () => {
        if (this.state?.blocked === true) this.actions.unmute();
      });
    }
    this.player.addEventListener("pointerleave", () => this.hush());
    this.stage.addEventListener("click", (e) => {
      // A mouse click on the picture plays and pauses; a finger only wakes the controls.
      const onPicture = e.target === this.canvas || e.target === this.stage;
      if (onPicture && e instanceof PointerEvent && e.pointerType === "mouse" && e.detail === 1 && this.player.controls) this.togglePlay();
      this.wake();
    });
  }

  private wake(): void {
    this.stage.classList.remove("quiet");
    clearTimeout(this.quietTimer);
    this.quietTimer = setTimeout(() => this.hush(), QUIET_AFTER_MS);
  }

  private hush(): void {
    if (this.state?.state === "playing") this.stage.classList.add("quiet");
  }

  private togglePlay(): void {
    if (this.player.paused) this.actions.play();
    else this.actions.pause();
  }

  private toggleMute(): void {
    this.soundChosen = true;
    if (this.state?.blocked === true) this.actions.unmute();
    else this.player.muted = !this.player.muted;
  }

  private setVolume(volume: number): void {
    this.soundChosen = true;
    const rounded = Math.round(volume / VOLUME_STEP) * VOLUME_STEP;
    this.player.volume = Math.min(1, Math.max(0, rounded));
    this.player.muted = this.player.volume === 0;
  }

  private togglePictureInPicture(): void {
    // A browser that refuses leaves everything as it was.
    if (this.canvas !== undefined) this.pip.toggle(this.canvas).catch(() => undefined);
  }

  private toggleFullscreen(): void {
    const done = document.fullscreenElement === this.player ? document.exitFullscreen() : this.player.requestFullscreen();
    done.catch(() => undefined);
  }
}
