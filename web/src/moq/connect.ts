/** Opens a WebTransport session, with errors that say what to do. */
import { MoqError, SessionError } from "./errors.ts";
import type { Transport } from "./transport.ts";
import type { SessionOptions } from "./types.ts";
import { type Draft, DRAFTS } from "./wire/draft.ts";

export interface Opened {
  transport: Transport;
  draft: Draft;
  /** Nobody told which protocol was negotiated. */
  assumed: boolean;
}

/** Creates a transport; the browser's WebTransport but in tests. */
export type Open = (url: string, options: WebTransportOptions) => Transport;

/** The options that the browser gets. Throws MoqError for what it would refuse without saying why. */
export function transportOptions(o: SessionOptions, protocols: readonly string[]): WebTransportOptions {
  const options: WebTransportOptions = { congestionControl: "low-latency", protocols: [...protocols] };
  if (o.fingerprints === undefined) return options;
  if (o.fingerprints.length === 0 || o.fingerprints.some((f) => f.length !== 32)) {
    throw new MoqError("transport", 0, "a certificate fingerprint must be a SHA-256 hash of 32 bytes");
  }
  options.serverCertificateHashes = o.fingerprints.map((f) => ({ algorithm: "sha-256", value: Uint8Array.from(f) }));
  return options;
}

/** Resolves when the transport is ready. signal gives up. Rejects with MoqError. */
export async function openTransport(o: SessionOptions, open: Open, signal: AbortSignal): Promise<Opened> {
  const drafts = offered(o.versions);
  const [first] = drafts;
  if (first === undefined) {
    const spoken = DRAFTS.map((d) => d.protocol).join(", ");
    throw new MoqError("session", SessionError.VERSION_NEGOTIATION_FAILED, `this client speaks ${spoken} and none of ${o.versions?.join(", ")}`);
  }
  const url = relayUrl(o.url);
  let transport: Transport;
  try {
    transport = open(url.href, transportOptions(o, drafts.map((d) => d.protocol)));
  } catch (cause) {
    if (cause instanceof MoqError) throw cause;
    throw new MoqError("transport", 0, `the browser refuses to connect to ${url.href}: ${String(cause)}`, { cause });
  }
  // The error below says it; this keeps a second report of it from the console.
  transport.closed.catch(() => {});
  const giveUp = () => transport.close();
  signal.addEventListener("abort", giveUp);
  try {
    await transport.ready;
  } catch (cause) {
    if (signal.aborted) throw signal.reason;
    throw new MoqError("transport", 0, unreachable(url, o.fingerprints !== undefined), { cause });
  } finally {
    signal.removeEventListener("abort", giveUp);
  }
  const { protocol } = transport;
  if (protocol === undefined || protocol === "") return { transport, draft: first, assumed: true };
  const draft = drafts.find((d) => d.protocol === protocol);
  if (draft === undefined) {
    transport.close({ closeCode: SessionError.VERSION_NEGOTIATION_FAILED, reason: "the negotiated protocol was not offered" });
    throw new MoqError("session", SessionError.VERSION_NEGOTIATION_FAILED, `the relay chose the protocol ${protocol}, which was not offered`);
  }
  return { transport, draft, assumed: false };
}

/** Those of the wanted protocols that this client speaks, in the order given; all if none are wanted in particular. */
function offered(versions: readonly string[] | undefined): readonly Draft[] {
  // Browsers refuse a list with repeats.
  return versions === undefined ? DRAFTS : [...new Set(versions)].flatMap((v) => DRAFTS.filter((d) => d.protocol === v));
}

/** The URL with which a relay is reached over WebTransport (moqt-18 §3.1.3). */
function relayUrl(text: string): URL {
  let url: URL;
  try {
    url = new URL(text.replace(/^moqt:/, "https:"));
  } catch (cause) {
    throw new MoqError("transport", 0, `not a URL: ${text}`, { cause });
  }
  if (url.protocol !== "https:") throw new MoqError("transport", 0, `the URL of a relay begins with https:// or moqt://, not ${url.protocol}//`);
  url.hash = "";
  return url;
}

/** Browsers do not tell a wrong certificate from a relay that is not there, so the text names both. */
function unreachable(url: URL, pinned: boolean): string {
  const certificate = pinned
    ? "its certificate is not the one with the given fingerprint (a relay that was restarted may have a new one)"
    : "its certificate is not trusted by this browser (a development certificate needs its fingerprint)";
  return `cannot connect to the relay ${url.host}: nothing answers there over QUIC, or ${certificate}, or it does not accept this session`;
}

export const openWebTransport: Open = (url, options) => {
  if (typeof WebTransport === "undefined") throw new MoqError("transport", 0, "this browser has no WebTransport");
  return new WebTransport(url, options);
};
