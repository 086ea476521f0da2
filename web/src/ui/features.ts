// What the player cannot do without.

/** Why this browser cannot play, in words; undefined when it can. */
export function missingFeature(scope: object = globalThis): string | undefined {
  if ("isSecureContext" in scope && scope.isSecureContext === false) {
    return "Browsers play live streams only on pages opened over https:// or from this machine (http://localhost).";
  }
  if (!("WebTransport" in scope)) {
    return "This browser has no WebTransport, which live playback needs. Current versions of Chrome, Edge and Firefox have it.";
  }
  if (!("VideoDecoder" in scope) || !("OffscreenCanvas" in scope)) {
    return "This browser has no WebCodecs, which live playback needs. Current versions of Chrome and Edge have it.";
  }
  return undefined;
}
