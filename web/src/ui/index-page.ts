// Entry of the front page: what is live, and how to go live.

import { fetchFingerprints } from "../media/fingerprint.ts";
import { Backoff } from "../media/reconnect.ts";
import { noPermission } from "../media/refusal.ts";
import { MoqSession } from "../moq/index.ts";
import { enableCopyButtons } from "./copy-button.ts";
import { make } from "./dom.ts";
import { missingFeature } from "./features.ts";
import { LiveList, type LiveEntry } from "./live-list.ts";
import { loadSiteConfig, type SiteConfig } from "./site-config.ts";
import { keepToken, tokenOf } from "./token.ts";

const CONNECT_TIMEOUT_MS = 5000;
/** An answer with no names in it is believed after this time (ms). */
const SETTLE_MS = 600;

const list = byId("live");
const empty = byId("empty");
const status = byId("status");

enableCopyButtons();
byId("go").addEventListener("submit", (e) => {
  e.preventDefault();
  const name = (byId("name") as HTMLInputElement).value.trim();
  if (name !== "") location.href = keepToken(`/publish/${encodeURIComponent(name)}`, tokenOf(location));
});
void start();

async function start(): Promise<void> {
  const missing = missingFeature();
  if (missing !== undefined) {
    say(missing);
    return;
  }
  const backoff = new Backoff({ random: () => Math.random() });
  for (;;) {
    backoff.start(performance.now());
    let reason: string;
    try {
      const site = await loadSiteConfig();
      showCommands(site);
      reason = await watch(site, () => backoff.succeed(performance.now()));
    } catch (e) {
      reason = e instanceof Error ? e.message : String(e);
    }
    say(`${reason} Trying again…`);
    await new Promise((resolve) => setTimeout(resolve, backoff.fail(performance.now())));
  }
}

/** Lists what is live until the connection ends; resolves with the reason in words. */
async function watch(site: SiteConfig, connected: () => void): Promise<string> {
  const fingerprints = site.fingerprint === undefined ? undefined : await fetchFingerprints(new URL(site.fingerprint, location.href).href);
  let end: (reason: string) => void = () => undefined;
  const ended = new Promise<string>((resolve) => (end = resolve));
  const session = await MoqSession.connect({
    url: site.relay,
    ...(fingerprints === undefined ? {} : { fingerprints }),
    connectTimeoutMs: CONNECT_TIMEOUT_MS,
    onClosed: (e) => end(noPermission(e) ?? "The connection to the relay was lost."),
    onGoaway: () => end("The relay asks to connect again."),
  }).catch((e: unknown) => {
    throw new Error(noPermission(e) ?? `The relay at ${new URL(site.relay).host} cannot be reached${e instanceof Error && e.message !== "" ? ` (${e.message})` : ""}.`);
  });
  connected();
  let known: LiveEntry[] = [];
  const settled = setTimeout(() => show(known), SETTLE_MS);
  new LiveList(
    session,
    (entries) => {
      known = entries;
      show(entries);
    },
    (text) => end(`The relay does not tell what is live (${text}).`),
  );
  const reason = await ended;
  clearTimeout(settled);
  session.close(0, "page reconnects");
  return reason;
}

function show(entries: readonly LiveEntry[]): void {
  status.hidden = true;
  empty.hidden = entries.length > 0;
  list.replaceChildren(
    ...entries.map((e) =>
      make("li", {}, make("a", { href: keepToken(`/watch/${encodeURIComponent(e.name)}`, tokenOf(location)) },
        make("span", { class: "dot", "aria-hidden": "true" }),
        make("span", { class: "what" }, make("strong", {}, e.name), make("span", { class: "dim" }, e.details === "" ? "Live" : e.details)),
        make("span", { class: "go", "aria-hidden": "true" }, "Watch"),
      )),
    ),
  );
}

function say(text: string): void {
  status.hidden = false;
  status.textContent = text;
  empty.hidden = true;
  list.replaceChildren();
}

/** Puts this server's host and port into the commands of the page. */
function showCommands(site: SiteConfig): void {
  const srt = byId("srt");
  srt.hidden = site.srtPort === undefined;
  if (site.srtPort !== undefined) {
    const host = location.hostname === "localhost" ? "127.0.0.1" : location.hostname;
    for (const slot of document.querySelectorAll("[data-srt]")) slot.textContent = `srt://${host}:${site.srtPort}`;
  }
  byId("whip").hidden = site.whip === undefined;
}

function byId(id: string): HTMLElement {
  const element = document.getElementById(id);
  if (element === null) throw new Error(`the page has no element ${id}`);
  return element;
}
