// What the player says when there is nothing to see: that it is working on it,
// or what is wrong and what happens next.

import type { Condition, PlaybackState } from "../media/messages.ts";
import { make } from "./dom.ts";

/** What to show for a state of affairs. */
export interface StatusView {
  readonly text: string;
  readonly busy: boolean;
  /** Worth interrupting the user's screen reader for. */
  readonly alert: boolean;
  /** Milliseconds until the next attempt, when there will be one. */
  readonly retryInMs: number | undefined;
}

const SILENT: StatusView = { text: "", busy: false, alert: false, retryInMs: undefined };

/** Words for a state of affairs. */
export function statusView(state: PlaybackState, condition: Condition): StatusView {
  if (state === "idle" && condition.kind !== "unsupported") return SILENT;
  // What plays needs no comment, whatever is going on behind it.
  if (state === "playing") return SILENT;
  switch (condition.kind) {
    case "ok":
      return { ...SILENT, text: state === "waiting" ? "Waiting for the stream…" : "", busy: true };
    case "connecting":
      return { ...SILENT, text: "Connecting…", busy: true };
    case "offline":
      return { ...SILENT, text: condition.text, busy: true };
    case "unreachable":
      return { text: condition.text, busy: true, alert: true, retryInMs: condition.retryInMs };
    case "unsupported":
      return { text: condition.text, busy: false, alert: true, retryInMs: undefined };
  }
}

/** Owns its element. */
export class StatusVeil {
  readonly element: HTMLElement;
  private readonly spinner = make("div", { class: "spinner" });
  private readonly status = make("p", { class: "message", role: "status" });
  private readonly alert = make("p", { class: "message", role: "alert" });
  // Counting down aloud would be a nuisance.
  private readonly countdown = make("p", { class: "message countdown", "aria-hidden": "true" });
  private retryAt: number | undefined;
  private timer: ReturnType<typeof setInterval> | undefined;

  constructor() {
    this.element = make("div", { class: "veil", part: "status", hidden: true }, this.spinner, this.status, this.alert, this.countdown);
  }

  show(view: StatusView, overPicture: boolean): void {
    this.element.hidden = view.text === "" && !view.busy;
    this.element.classList.toggle("light", overPicture && view.text === "");
    this.spinner.hidden = !view.busy;
    setText(this.status, view.alert ? "" : view.text);
    setText(this.alert, view.alert ? view.text : "");
    this.retryAt = view.retryInMs === undefined ? undefined : performance.now() + view.retryInMs;
    this.count();
    clearInterval(this.timer);
    this.timer = this.retryAt === undefined ? undefined : setInterval(() => this.count(), 250);
  }

  /** Stops the countdown. */
  close(): void {
    clearInterval(this.timer);
  }

  private count(): void {
    const seconds = this.retryAt === undefined ? 0 : Math.ceil((this.retryAt - performance.now()) / 1000);
    setText(this.countdown, this.retryAt === undefined ? "" : seconds > 0 ? `Retrying in ${seconds} s` : "Retrying…");
  }
}

function setText(element: HTMLElement, text: string): void {
  if (element.textContent !== text) element.textContent = text;
}
