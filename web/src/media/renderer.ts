// Paints pictures on the canvas that the page gave to the worker.

/** Owns the canvas. */
export class Renderer {
  private readonly context: OffscreenCanvasRenderingContext2D | null;

  /** resized is told the size of the picture whenever it changes. */
  constructor(
    private readonly canvas: OffscreenCanvas,
    private readonly resized: (width: number, height: number) => void,
  ) {
    this.context = canvas.getContext("2d", { alpha: false });
  }

  /** Paints the frame and closes it. */
  paint(frame: VideoFrame): void {
    const { displayWidth: width, displayHeight: height } = frame;
    if (this.canvas.width !== width || this.canvas.height !== height) {
      this.canvas.width = width;
      this.canvas.height = height;
      this.resized(width, height);
    }
    this.context?.drawImage(frame, 0, 0, width, height);
    frame.close();
  }

  get width(): number {
    return this.canvas.width;
  }

  get height(): number {
    return this.canvas.height;
  }

  /** A copy of what was painted last. */
  capture(): Promise<ImageBitmap> {
    return createImageBitmap(this.canvas);
  }
}
