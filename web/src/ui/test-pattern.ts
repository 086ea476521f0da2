// A picture and a sound for publishing without a camera: colour bars, a moving
// mark, the time of day, and the time as a row of black and white cells, from
// which a program that looks at the picture can tell its age.

const WIDTH = 1280;
const HEIGHT = 720;
const FPS = 30;
const BARS = ["#c8c8c8", "#c8c800", "#00c8c8", "#00c800", "#c800c8", "#c80000", "#0000c8"] as const;

/** Cells of the time row: white, black, then bits of the Unix time in ms (highest first), black, white. */
export const TIME_BITS = 44;
export const TIME_CELLS = TIME_BITS + 4;

/** The cells for a time in ms since the Unix epoch; true is white. */
export function timeCells(unixMs: number): boolean[] {
  const bits = Array.from({ length: TIME_BITS }, (_, i) => Math.floor(unixMs / 2 ** (TIME_BITS - 1 - i)) % 2 === 1);
  return [true, false, ...bits, false, true];
}

/** The time of a row of cells; undefined when it is not one. */
export function cellsTime(cells: readonly boolean[]): number | undefined {
  if (cells.length !== TIME_CELLS || cells[0] !== true || cells[1] !== false) return undefined;
  if (cells[TIME_CELLS - 2] !== false || cells[TIME_CELLS - 1] !== true) return undefined;
  return cells.slice(2, 2 + TIME_BITS).reduce((n, bit) => n * 2 + (bit ? 1 : 0), 0);
}

/** Draws on `canvas` and sounds until stop(). */
export class TestPattern {
  readonly stream: MediaStream;
  private readonly audio = new AudioContext();
  private readonly timer: ReturnType<typeof setInterval>;

  /** name is written into the picture. */
  constructor(canvas: HTMLCanvasElement, name: string) {
    canvas.width = WIDTH;
    canvas.height = HEIGHT;
    const context = canvas.getContext("2d", { alpha: false });
    this.timer = setInterval(() => context !== null && draw(context, name, Date.now()), 1000 / FPS);
    if (context !== null) draw(context, name, Date.now());
    this.stream = new MediaStream([...canvas.captureStream(FPS).getTracks(), this.tone()]);
    void this.audio.resume();
  }

  stop(): void {
    clearInterval(this.timer);
    for (const track of this.stream.getTracks()) track.stop();
    void this.audio.close();
  }

  /** A soft 440 Hz that beats once a second, with the clock. */
  private tone(): MediaStreamTrack {
    const out = new MediaStreamAudioDestinationNode(this.audio);
    const tone = new OscillatorNode(this.audio, { frequency: 440 });
    const level = new GainNode(this.audio, { gain: 0.1 });
    const beat = new OscillatorNode(this.audio, { frequency: 1 });
    const depth = new GainNode(this.audio, { gain: 0.05 });
    tone.connect(level).connect(out);
    beat.connect(depth).connect(level.gain);
    tone.start();
    beat.start();
    const [track] = out.stream.getAudioTracks();
    if (track === undefined) throw new Error("the browser made no audio track");
    return track;
  }
}

function draw(c: CanvasRenderingContext2D, name: string, now: number): void {
  const barsHeight = HEIGHT * 0.62;
  BARS.forEach((colour, i) => {
    c.fillStyle = colour;
    c.fillRect(Math.floor((i * WIDTH) / BARS.length), 0, Math.ceil(WIDTH / BARS.length), barsHeight);
  });
  c.fillStyle = "#10151a";
  c.fillRect(0, barsHeight, WIDTH, HEIGHT - barsHeight);
  const phase = (now % 2000) / 2000;
  c.fillStyle = "#5fd3bc";
  c.fillRect(phase * (WIDTH + 40) - 40, barsHeight - 10, 40, 20);
  c.fillStyle = "#eef2f6";
  c.textBaseline = "middle";
  c.font = "600 88px ui-monospace, Menlo, Consolas, monospace";
  c.textAlign = "center";
  c.fillText(new Date(now).toISOString().slice(11, 23), WIDTH / 2, HEIGHT * 0.75);
  c.font = "28px system-ui, sans-serif";
  c.fillStyle = "#a9b4c0";
  c.fillText(`${name}, UTC`, WIDTH / 2, HEIGHT * 0.86);
  const cell = WIDTH / TIME_CELLS;
  timeCells(now).forEach((white, i) => {
    c.fillStyle = white ? "#fff" : "#000";
    c.fillRect(Math.floor(i * cell), HEIGHT - 40, Math.ceil(cell), 40);
  });
}
