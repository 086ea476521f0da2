// The numbers over the picture.

import type { PlayerStats } from "../media/stats.ts";
import { make } from "./dom.ts";

/** A row of the overlay: its label and its value in words. */
export type StatsRow = readonly [label: string, value: string];

const UNKNOWN = "–";

/** The rows for a set of numbers; the first is the headline. */
export function statsRows(s: PlayerStats): StatsRow[] {
  return [
    ["end-to-end latency", ms(s.latencyMs)],
    ["Sound latency", ms(s.audioLatencyMs)],
    ["Target", ms(s.targetMs)],
    ["Buffer", ms(s.bufferMs)],
    ["Jitter", ms(s.jitterMs)],
    ["Resolution", s.width > 0 ? `${s.width} × ${s.height}` : UNKNOWN],
    ["Frame rate", Number.isFinite(s.fps) ? `${s.fps.toFixed(1)} fps` : UNKNOWN],
    ["Bitrate", s.bitrate > 0 ? `${(s.bitrate / 1e6).toFixed(2)} Mbit/s` : UNKNOWN],
    ["Dropped", `${s.droppedFrames} of ${s.decodedFrames + s.droppedFrames}`],
    ["Lost groups", `${s.groupsLost} of ${s.groupsReceived + s.groupsLost}`],
    ["Stalls", String(s.stalls)],
    ["Reconnects", String(s.reconnects)],
    ["Speed", `${s.playbackRate.toFixed(2)}×`],
    ["Video", s.videoCodec === "" ? UNKNOWN : s.videoCodec],
    ["Sound", s.audioCodec === "" ? UNKNOWN : s.audioCodec],
    ["WebTransport", s.transport === "" ? UNKNOWN : s.transport],
    ["Round trip", ms(s.rttMs)],
  ];
}

/** Owns its element; update() as often as the eye can read. */
export class StatsOverlay {
  readonly element: HTMLElement;
  private readonly values: HTMLElement[] = [];
  private readonly list = make("dl");
  private readonly warning = make("p", { hidden: true }, "The clocks of sender and viewer differ: latency figures are off by as much.");

  constructor() {
    this.element = make("div", { class: "stats", part: "stats", hidden: true }, this.list, this.warning);
  }

  update(stats: PlayerStats): void {
    const rows = statsRows(stats);
    if (this.values.length === 0) rows.forEach(([label], i) => this.addRow(label, i === 0));
    rows.forEach(([, value], i) => {
      const cell = this.values[i];
      if (cell !== undefined && cell.textContent !== value) cell.textContent = value;
    });
    this.warning.hidden = !stats.clockSkewed;
  }

  private addRow(label: string, headline: boolean): void {
    const value = make("dd");
    this.values.push(value);
    const row = [make("dt", {}, label), value];
    if (headline) this.list.append(make("div", { class: "head" }, ...row));
    else this.list.append(...row);
  }
}

function ms(value: number): string {
  return Number.isFinite(value) ? `${Math.round(value)} ms` : UNKNOWN;
}
