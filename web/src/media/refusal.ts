// Connections that fail, in words for people.

import { MoqError, RequestError, SessionError } from "../moq/index.ts";

/** Errors of the protocol are worth telling; the browser hides why a transport failed. */
export function isProtocolError(e: unknown): e is Error {
  return e instanceof Error && "kind" in e && e.kind !== "transport" && e.message !== "";
}

/** What to do about an error that is a matter of tokens; undefined for any other. */
export function noPermission(e: unknown): string | undefined {
  if (!(e instanceof MoqError)) return undefined;
  const codes = e.kind === "session" ? SessionError : RequestError;
  if (e.kind === "transport") return undefined;
  switch (e.code) {
    case codes.UNAUTHORIZED:
      return "This needs a permission: open it by a link that has a token for it (#jwt=…).";
    case codes.EXPIRED_AUTH_TOKEN:
      return "The permission of this link is over: ask for a new link.";
    case codes.MALFORMED_AUTH_TOKEN:
      return "The token of this link cannot be read: was the link copied whole?";
    default:
      return undefined;
  }
}

/** Why the relay at this URL could not be connected to. */
export function refusal(url: string, e: unknown): string {
  const words = noPermission(e);
  if (words !== undefined) return words;
  return `The relay at ${hostOf(url)} ${isProtocolError(e) ? `refuses: ${e.message}` : "does not answer, does not admit this page, or its certificate was refused"}.`;
}

function hostOf(url: string): string {
  try {
    return new URL(url).host;
  } catch {
    return url;
  }
}
