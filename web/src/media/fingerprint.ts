// Development certificates: the relay's operator publishes the SHA-256 of its
// certificate and of the one that will take its place, and the browser trusts those.

const FETCH_TIMEOUT_MS = 3000;

/** Fetches hex text, such as "ab12…", "AB:12:…" or several after commas. Throws an Error whose text is for people. */
export async function fetchFingerprints(url: string): Promise<Uint8Array[]> {
  let text: string;
  try {
    const response = await fetch(url, { cache: "no-store", signal: AbortSignal.timeout(FETCH_TIMEOUT_MS) });
    if (!response.ok) throw new Error(`status ${response.status}`);
    text = await response.text();
  } catch (e) {
    const why = e instanceof Error && e.name !== "TimeoutError" ? e.message : "no answer";
    throw new Error(`The fingerprint of the relay's certificate cannot be fetched from ${url} (${why}).`);
  }
  const digests = parseFingerprints(text);
  if (digests === undefined) throw new Error(`${url} does not hold the SHA-256 of a certificate in hex.`);
  return digests;
}

/** 32 bytes of hex digits each, with or without colons, separated by commas; undefined for anything else. */
export function parseFingerprints(text: string): Uint8Array[] | undefined {
  const digests = text.split(",").map(parseFingerprint);
  return digests.includes(undefined) ? undefined : (digests as Uint8Array[]);
}

function parseFingerprint(text: string): Uint8Array | undefined {
  const hex = text.trim().replaceAll(":", "");
  if (!/^[0-9a-fA-F]{64}$/.test(hex)) return undefined;
  return Uint8Array.from({ length: 32 }, (_, i) => Number.parseInt(hex.slice(2 * i, 2 * i + 2), 16));
}
