// Picture in picture for a canvas: a video element plays what the canvas shows
// and is the one that floats.

/** One per player; not in use until toggle(). */
export class PictureInPicture {
  private video: HTMLVideoElement | undefined;

  /** changed: the picture began or ceased to float. */
  constructor(private readonly changed: () => void) {}

  /** Whether this browser can do it. */
  static get supported(): boolean {
    return document.pictureInPictureEnabled === true && "captureStream" in HTMLCanvasElement.prototype;
  }

  get active(): boolean {
    return this.video !== undefined && document.pictureInPictureElement === this.video;
  }

  /** Needs a gesture. Rejects when the browser refuses. */
  async toggle(canvas: HTMLCanvasElement): Promise<void> {
    if (this.active) {
      await document.exitPictureInPicture();
      return;
    }
    const video = document.createElement("video");
    video.muted = true;
    video.srcObject = canvas.captureStream();
    video.addEventListener("leavepictureinpicture", () => this.leave(video), { once: true });
    this.video = video;
    try {
      await video.play();
      await video.requestPictureInPicture();
    } catch (e) {
      this.leave(video);
      throw e;
    }
    this.changed();
  }

  /** Ends it, if it is on. */
  close(): void {
    if (this.active) void document.exitPictureInPicture();
  }

  private leave(video: HTMLVideoElement): void {
    for (const track of (video.srcObject as MediaStream | null)?.getTracks() ?? []) track.stop();
    video.srcObject = null;
    if (this.video === video) this.video = undefined;
    this.changed();
  }
}
