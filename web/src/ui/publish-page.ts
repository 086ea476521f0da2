// Entry of the publish page: camera, screen or test pattern, to the server's
// WHIP endpoint.

import { loadSiteConfig } from "./site-config.ts";
import { TestPattern } from "./test-pattern.ts";
import { WhipSession, type WhipStats } from "./whip-client.ts";
import { tokenOf } from "./token.ts";

const STATS_EVERY_MS = 1000;

/** What is being captured, and how to end it. */
interface Capture {
  readonly stream: MediaStream;
  stop(): void;
}

const button = byId<HTMLButtonElement>("start");
const sources = byId<HTMLFieldSetElement>("sources");
const status = byId("status");
const preview = byId<HTMLVideoElement>("preview");
const pattern = byId<HTMLCanvasElement>("pattern");
const placeholder = byId("placeholder");
const badge = byId("badge");
const watch = byId("watch");
const name = document.body.dataset["name"] ?? "";

let session: WhipSession | undefined;
let capture: Capture | undefined;
let timer: ReturnType<typeof setInterval> | undefined;

const wanted = new URLSearchParams(location.search).get("source");
const choice = wanted === null ? null : document.querySelector<HTMLInputElement>(`input[name=source][value="${CSS.escape(wanted)}"]`);
if (choice !== null) choice.checked = true;

button.addEventListener("click", () => void (session === undefined ? start() : stop("")));
window.addEventListener("pagehide", () => void stop(""));

async function start(): Promise<void> {
  // Read first: a form does not give what is disabled.
  const source = new FormData(byId<HTMLFormElement>("form")).get("source");
  button.disabled = true;
  sources.disabled = true;
  say("Starting…");
  try {
    const site = await loadSiteConfig();
    if (site.whip === undefined) throw new Error("This server takes no publications from browsers.");
    capture = await open(source);
    for (const track of capture.stream.getTracks()) track.addEventListener("ended", () => void stop("The source has ended."));
    const endpoint = new URL(`${site.whip.replace(/\/$/, "")}/${encodeURIComponent(name)}`, location.href).href;
    session = new WhipSession(endpoint, tokenOf(location), connection);
    await session.start(capture.stream);
    timer = setInterval(() => void showStats(), STATS_EVERY_MS);
    relabel();
  } catch (e) {
    await stop(e instanceof Error ? explain(e) : String(e));
  }
  button.disabled = false;
}

async function stop(why: string): Promise<void> {
  clearInterval(timer);
  const old = session;
  session = undefined;
  capture?.stop();
  capture = undefined;
  preview.srcObject = null;
  preview.hidden = true;
  pattern.hidden = true;
  placeholder.hidden = false;
  watch.hidden = true;
  sources.disabled = false;
  button.disabled = false;
  badge.textContent = "Off air";
  badge.classList.remove("on");
  for (const slot of document.querySelectorAll("[data-stat]")) slot.textContent = "–";
  say(why, why !== "");
  relabel();
  await old?.stop();
}

/** Gets hold of the source; the browser asks the user. */
async function open(source: FormDataEntryValue | null): Promise<Capture> {
  placeholder.hidden = true;
  if (source === "pattern") {
    pattern.hidden = false;
    return new TestPattern(pattern, name);
  }
  const stream =
    source === "screen"
      ? await navigator.mediaDevices.getDisplayMedia({ video: { frameRate: 30 }, audio: true })
      : await navigator.mediaDevices.getUserMedia({
          video: { width: { ideal: 1280 }, height: { ideal: 720 }, frameRate: { ideal: 30 } },
          audio: { echoCancellation: true },
        });
  preview.hidden = false;
  preview.srcObject = stream;
  return { stream, stop: () => stream.getTracks().forEach((t) => t.stop()) };
}

function connection(state: RTCPeerConnectionState): void {
  const live = state === "connected";
  badge.textContent = live ? "On air" : state === "failed" ? "Failed" : "Connecting";
  badge.classList.toggle("on", live);
  watch.hidden = !live;
  if (live) say("You are live.");
  else if (state === "disconnected") say("The connection is interrupted. Waiting for it to come back…");
  else if (state === "failed") void stop("The connection to the server failed. Its UDP ports may not be reachable from here.");
}

async function showStats(): Promise<void> {
  const s = await session?.stats();
  if (s === undefined || session === undefined) return;
  for (const [key, value] of Object.entries(statTexts(s))) {
    const slot = document.querySelector(`[data-stat="${key}"]`);
    if (slot !== null) slot.textContent = value;
  }
}

function statTexts(s: WhipStats): Record<string, string> {
  return {
    resolution: s.width > 0 ? `${s.width} × ${s.height}` : "–",
    fps: s.fps > 0 ? `${Math.round(s.fps)} fps` : "–",
    bitrate: s.bitrate >= 0 ? `${(s.bitrate / 1e6).toFixed(2)} Mbit/s` : "–",
    codec: s.codec === "" ? "–" : s.codec,
    rtt: s.rttMs >= 0 ? `${Math.round(s.rttMs)} ms` : "–",
    limit: s.limitedBy === "" || s.limitedBy === "none" ? "nothing" : s.limitedBy === "cpu" ? "this computer" : s.limitedBy,
  };
}

function relabel(): void {
  const live = session !== undefined;
  button.textContent = live ? "Stop" : "Record";
  button.classList.toggle("stop", live);
}

function say(text: string, alert = false): void {
  status.textContent = text;
  status.classList.toggle("bad", alert);
}

/** Words for what browsers throw. */
function explain(e: Error): string {
  switch (e.name) {
    case "NotAllowedError":
      return "The browser was not allowed to use that source.";
    case "NotFoundError":
      return "There is no camera or microphone. Choose the test pattern instead.";
    case "NotReadableError":
      return "The camera or microphone is in use by another program.";
    default:
      return e.message;
  }
}

function byId<T extends HTMLElement = HTMLElement>(id: string): T {
  const element = document.getElementById(id);
  if (element === null) throw new Error(`the page has no element ${id}`);
  return element as T;
}
