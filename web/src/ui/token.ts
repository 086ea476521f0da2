// The token of whoever opened the page: a link with ?jwt=TOKEN or #jwt=TOKEN
// permits what the page does. What follows the # is told to no server but the relay.

/** The parts of a URL that may hold a token. */
export interface PageURL {
  readonly search: string;
  readonly hash: string;
}

/** The token of a page; undefined without one. That behind the # goes first. */
export function tokenOf(page: PageURL): string | undefined {
  for (const part of [page.hash, page.search]) {
    const token = new URLSearchParams(part.slice(1)).get("jwt");
    if (token !== null && token !== "") return token;
  }
  return undefined;
}

/** The URL of a relay with the token, unless it has one of its own. */
export function withToken(relay: string, token: string | undefined): string {
  if (token === undefined) return relay;
  const url = new URL(relay);
  if (!url.searchParams.has("jwt")) url.searchParams.set("jwt", token);
  return url.href;
}

/** A link to another page of this site that keeps the token. */
export function keepToken(path: string, token: string | undefined): string {
  return token === undefined ? path : `${path}#jwt=${encodeURIComponent(token)}`;
}
