// Connections that fail, in words for people.

/** Errors of the protocol are worth telling; the browser hides why a transport failed. */
export function isProtocolError(e: unknown): e is Error {
  return e instanceof Error && "kind" in e && e.kind !== "transport" && e.message !== "";
}

/** Why the relay at this URL could not be connected to. */
export function refusal(url: string, e: unknown): string {
  return `The relay at ${hostOf(url)} ${isProtocolError(e) ? `refuses: ${e.message}` : "does not answer, or its certificate was refused"}.`;
}

function hostOf(url: string): string {
  try {
    return new URL(url).host;
  } catch {
    return url;
  }
}
