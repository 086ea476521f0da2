// ffmpeg as a broadcaster would run it, with the wall clock burned into its
// test picture.

import { Child } from "./child.ts";
import { ENCODER_BITS, encoderClock } from "./clock.ts";

/** Hz. */
export const TONE_HZ = 440;

export interface EncoderOptions {
  /** UDP port of the SRT listener on loopback. */
  readonly port: number;
  readonly name: string;
  /** Negative control: one picture for ever and digital silence, sent on as if nothing were wrong. */
  readonly frozen?: boolean;
}

/**
 * Filters that write the time as cells. Each frame gets the wall clock of the
 * moment it is made as its timestamp, in microseconds, so that all cells of a
 * frame are drawn from the same number; afterwards frames are counted again.
 * now: ffmpeg's name of the time to show.
 */
function clockFilters(now: string): string {
  const { row } = encoderClock;
  const box = (cell: number, cells: number, colour: string, enable = ""): string =>
    `drawbox=x=${row.x + cell * row.cellWidth}:y=${row.y}:w=${cells * row.cellWidth}:h=${row.cellHeight}:color=${colour}:t=fill${enable}`;
  // Bit b of a Gray code is bit b of the number differing from bit b+1, and all of them together tell its parity.
  const when = (low: number, high: number): string => `:enable='mod(floor(t*1000/${low})+floor(t*1000/${high}),2)'`;
  const bits = Array.from({ length: ENCODER_BITS }, (_, i) => {
    const unit = 2 ** (ENCODER_BITS - 1 - i);
    return box(2 + i, 1, "white", when(unit, unit * 2));
  });
  return [
    "settb=1/1000000",
    `setpts=${now}`,
    box(0, row.cells, "black"),
    box(0, 1, "white"),
    ...bits,
    box(2 + ENCODER_BITS, 1, "white", when(1, 2 ** ENCODER_BITS)),
    box(row.cells - 1, 1, "white"),
    "settb=1/30",
    "setpts=N",
  ].join(",");
}

/** Starts an encoder; the caller stops it. */
export function startEncoder(o: EncoderOptions): Child {
  const { width, height } = encoderClock.row;
  const frozen = o.frozen === true;
  return new Child(`ffmpeg ${o.name}`, "ffmpeg", [
    "-hide_banner", "-nostdin", "-nostats", "-loglevel", "warning",
    "-re", "-f", "lavfi", "-i", `${frozen ? "smptebars" : "testsrc2"}=size=${width}x${height}:rate=30`,
    "-f", "lavfi", "-i", `sine=frequency=${TONE_HZ}:sample_rate=48000`,
    "-vf", clockFilters(frozen ? "RTCSTART" : "RTCTIME"), "-af", `volume=${frozen ? 0 : 1}`,
    "-c:v", "libx264", "-preset", "veryfast", "-tune", "zerolatency", "-pix_fmt", "yuv420p", "-g", "30", "-b:v", "1500k",
    "-c:a", "aac", "-b:a", "128k",
    "-f", "mpegts", "-flush_packets", "1", "-pes_payload_size", "0", `srt://127.0.0.1:${o.port}?streamid=publish:${o.name}&pkt_size=1316`,
  ]);
}
