// The buttons below the picture. The bar shows a state and reports wishes; it
// changes nothing itself.

import { make } from "./dom.ts";
import { icon, type IconName } from "./icons.ts";

/** Latencies offered, in milliseconds. */
const TARGETS: readonly (readonly [number, string])[] = [
  [150, "Lowest"],
  [300, "0.3 s"],
  [500, "0.5 s"],
  [1000, "1 s"],
  [2000, "2 s"],
  [4000, "4 s"],
];

export interface ControlActions {
  togglePlay(): void;
  toggleMute(): void;
  setVolume(volume: number): void;
  setTarget(ms: number): void;
  toggleStats(): void;
  togglePictureInPicture(): void;
  toggleFullscreen(): void;
}

export interface ControlState {
  readonly paused: boolean;
  readonly live: boolean;
  readonly muted: boolean;
  readonly volume: number;
  readonly hasAudio: boolean;
  readonly targetLatency: number;
  readonly stats: boolean;
  readonly fullscreen: boolean;
  readonly canFullscreen: boolean;
  readonly pictureInPicture: boolean;
  readonly canPictureInPicture: boolean;
}

/** Owns its element. */
export class ControlBar {
  readonly element: HTMLElement;
  private readonly play: HTMLButtonElement;
  private readonly mute: HTMLButtonElement;
  private readonly info: HTMLButtonElement;
  private readonly pip: HTMLButtonElement;
  private readonly full: HTMLButtonElement;
  private readonly live = make("span", { class: "live" }, "LIVE");
  private readonly delay = make("span", { class: "delay" });
  private readonly volume = make("input", { class: "volume", type: "range", min: 0, max: 1, step: 0.05, "aria-label": "Volume" });
  private readonly target = make("select", { class: "target", "aria-label": "Target latency", title: "Target latency" });

  constructor(actions: ControlActions) {
    this.play = button("Play (k)", "play", () => actions.togglePlay());
    this.mute = button("Mute (m)", "sound", () => actions.toggleMute());
    this.info = button("Statistics (i)", "info", () => actions.toggleStats());
    this.pip = button("Picture in picture", "pip", () => actions.togglePictureInPicture());
    this.pip.classList.add("pip");
    this.full = button("Full screen (f)", "full", () => actions.toggleFullscreen());
    for (const [value, label] of TARGETS) this.target.append(make("option", { value }, label));
    this.volume.addEventListener("input", () => actions.setVolume(this.volume.valueAsNumber));
    this.target.addEventListener("change", () => actions.setTarget(Number(this.target.value)));
    this.element = make(
      "div", { class: "bar", part: "controls", role: "group", "aria-label": "Player controls" },
      this.play, this.live, this.delay, make("span", { class: "space" }),
      this.mute, this.volume, this.target, this.info, this.pip, this.full,
    );
  }

  update(s: ControlState): void {
    relabel(this.play, s.paused ? "Play (k)" : "Pause (k)", s.paused ? "play" : "pause");
    const silent = s.muted || s.volume === 0;
    relabel(this.mute, silent ? "Unmute (m)" : "Mute (m)", silent ? "muted" : "sound");
    relabel(this.full, s.fullscreen ? "Leave full screen (f)" : "Full screen (f)", s.fullscreen ? "small" : "full");
    this.info.setAttribute("aria-pressed", String(s.stats));
    this.pip.setAttribute("aria-pressed", String(s.pictureInPicture));
    this.pip.hidden = !s.canPictureInPicture;
    this.full.hidden = !s.canFullscreen;
    this.mute.hidden = !s.hasAudio;
    this.volume.hidden = !s.hasAudio;
    this.volume.value = String(s.muted ? 0 : s.volume);
    this.live.classList.toggle("on", s.live);
    this.showTarget(s.targetLatency);
  }

  /** The latency beside the LIVE mark, milliseconds; NaN: none. */
  showLatency(latency: number): void {
    const text = Number.isFinite(latency) ? `${(latency / 1000).toFixed(2)} s` : "";
    if (this.delay.textContent !== text) this.delay.textContent = text;
  }

  private showTarget(ms: number): void {
    const value = String(ms);
    if (![...this.target.options].some((o) => o.value === value)) {
      this.target.append(make("option", { value }, `${(ms / 1000).toFixed(2)} s`));
    }
    if (this.target.value !== value) this.target.value = value;
  }
}

function button(label: string, shape: IconName, pressed: () => void): HTMLButtonElement {
  const b = make("button", { type: "button", "aria-label": label, title: label, "data-icon": shape }, icon(shape));
  b.addEventListener("click", pressed);
  return b;
}

function relabel(b: HTMLButtonElement, label: string, shape: IconName): void {
  if (b.getAttribute("aria-label") !== label) {
    b.setAttribute("aria-label", label);
    b.title = label;
  }
  if (b.dataset["icon"] !== shape) {
    b.dataset["icon"] = shape;
    b.replaceChildren(icon(shape));
  }
}
