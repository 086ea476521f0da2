// In the page: Shaka Player's experimental build, loaded as published, with a
// video element, and what can be seen in it.

import { heardBytes, TappedWebTransport, type Heard } from "./tap.ts";

// The player makes its WebTransport itself.
window.WebTransport = TappedWebTransport;

/** The part of Shaka Player that is used here; its own types are those of the whole page's globals. */
interface ShakaPlayer {
  attach(video: HTMLVideoElement): Promise<void>;
  configure(config: unknown): boolean;
  load(uri: string, start: number | null, mime: string): Promise<void>;
  addEventListener(type: "error", listen: (e: { detail: { code: number; data: unknown } }) => void): void;
  getStats(): { decodedFrames: number; width: number; height: number };
}
declare const shaka: {
  polyfill: { installAll(): void };
  Player: { new (): ShakaPlayer; version: string };
};

const SIZE = 64;
const errors: string[] = [];
let player: ShakaPlayer;
const video = document.createElement("video");
video.muted = true;
video.autoplay = true;
video.style.width = "640px";
document.body.append(video);

/** Loads the player itself, unbundled. */
function script(src: string): Promise<void> {
  return new Promise((resolve, reject) => {
    const s = document.createElement("script");
    s.src = src;
    s.onload = () => resolve();
    s.onerror = () => reject(new Error(`${src} can not be loaded`));
    document.head.append(s);
  });
}

const peer = {
  /** Loads a publication and starts to play it. Returns the player's version. */
  async play(o: { url: string; fingerprintUri: string; namespace: string }): Promise<string> {
    await script("shaka-player.js");
    shaka.polyfill.installAll();
    player = new shaka.Player();
    player.addEventListener("error", (e) => errors.push(`error ${e.detail.code}: ${JSON.stringify(e.detail.data)}`));
    await player.attach(video);
    player.configure({ manifest: { msf: { namespaces: [o.namespace], fingerprintUri: o.fingerprintUri, version: "draft-16" } } });
    player.load(o.url, null, "application/msf").then(() => video.play()).catch((e: { code?: number; data?: unknown }) => {
      errors.push(e.code === undefined ? String(e) : `load: error ${e.code}: ${JSON.stringify(e.data)}`);
    });
    return shaka.Player.version;
  },

  /** Looks at the picture so many times, `everyMs` apart: a number for all of its pixels, 0 for a black one. */
  async look(o: { times: number; everyMs: number }): Promise<number[]> {
    const canvas = new OffscreenCanvas(SIZE, SIZE);
    const context = canvas.getContext("2d", { willReadFrequently: true });
    if (context === null) throw new Error("no canvas");
    const seen: number[] = [];
    for (let i = 0; i < o.times; i++) {
      context.drawImage(video, 0, 0, SIZE, SIZE);
      let sum = 0;
      const { data } = context.getImageData(0, 0, SIZE, SIZE);
      for (let p = 0; p < data.length; p += 4) sum = (sum * 31 + (data[p] ?? 0) + (data[p + 1] ?? 0) * 3 + (data[p + 2] ?? 0) * 7) % 4294967291;
      seen.push(sum);
      await new Promise((r) => setTimeout(r, o.everyMs));
    }
    return seen;
  },

  heard: (): Heard[] => heardBytes(),

  pause(): void {
    video.pause();
  },

  view: () => ({
    errors,
    time: video.currentTime,
    width: video.videoWidth,
    height: video.videoHeight,
    readyState: video.readyState,
    buffered: Array.from({ length: video.buffered.length }, (_, i) => [video.buffered.start(i), video.buffered.end(i)]),
    frames: video.getVideoPlaybackQuality().totalVideoFrames,
  }),
};

export type ShakaPeer = typeof peer;
declare global {
  interface Window {
    shakaPeer: ShakaPeer;
  }
}
window.shakaPeer = peer;
