// What the server tells its pages: where its relay is, and how to publish.

import { tokenOf, withToken } from "./token.ts";

export interface SiteConfig {
  /** https:// URL of the relay. */
  readonly relay: string;
  /** URL of the certificate's SHA-256; undefined with a public certificate. */
  readonly fingerprint: string | undefined;
  /** That SHA-256 in hex, and of the next certificate, as it was when the settings were told; undefined: to be asked for. */
  readonly certificate: string | undefined;
  /** Prefix of the WHIP endpoint, to be followed by a name; undefined without one. */
  readonly whip: string | undefined;
  /** UDP port for SRT; undefined without one. */
  readonly srtPort: number | undefined;
}

/** The settings in the page itself, of a page that has them. A page that waited long may have old ones. */
export function settingsInPage(): SiteConfig | undefined {
  const content = document.querySelector<HTMLMetaElement>('meta[name="moqedge-settings"]')?.content;
  if (content === undefined) return undefined;
  try {
    return permitted(readSiteConfig(JSON.parse(content), location.hostname));
  } catch {
    return undefined; // somebody else's
  }
}

/** Fetches /config.json of the page's server. Throws an Error whose text is for people. */
export async function loadSiteConfig(): Promise<SiteConfig> {
  let body: unknown;
  try {
    const response = await fetch("/config.json", { cache: "no-store" });
    if (!response.ok) throw new Error(`status ${response.status}`);
    body = await response.json();
  } catch (e) {
    throw new Error(`The settings of this server cannot be read from /config.json (${e instanceof Error ? e.message : "no answer"}).`);
  }
  const config = permitted(readSiteConfig(body, location.hostname));
  if (config === undefined) throw new Error("/config.json of this server names no relay.");
  return config;
}

/** The settings with the token of this page. */
function permitted(site: SiteConfig | undefined): SiteConfig | undefined {
  return site === undefined ? undefined : { ...site, relay: withToken(site.relay, tokenOf(location)) };
}

/** Checks the document and puts the page's host into it; undefined when it names no relay. */
export function readSiteConfig(body: unknown, host: string): SiteConfig | undefined {
  if (typeof body !== "object" || body === null) return undefined;
  const doc = body as Record<string, unknown>;
  const relay = text(doc["relay"]);
  if (relay === undefined) return undefined;
  const port = doc["srtPort"];
  return {
    relay: relay.replace("{host}", relayHost(host)),
    fingerprint: text(doc["fingerprint"]),
    certificate: text(doc["certificate"]),
    whip: text(doc["whip"]),
    srtPort: typeof port === "number" && Number.isInteger(port) && port > 0 && port < 65536 ? port : undefined,
  };
}

/** A relay listens on one address family; "localhost" may mean the other. */
function relayHost(host: string): string {
  return host === "localhost" ? "127.0.0.1" : host;
}

function text(v: unknown): string | undefined {
  return typeof v === "string" && v !== "" ? v : undefined;
}
