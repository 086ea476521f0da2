// Compressed payloads (msf §Compression Signaling): a property of the track or
// of the object says that a catalog is gzipped.

import type { Property } from "../moq/index.ts";
import { CatalogError } from "./catalog.ts";
import { integer } from "./loc.ts";

const MSF_COMPRESSION = 0x78;
const NONE = 0;
const GZIP = 1;

/** A small object may not become larger than this. */
const MAX_INFLATED = 1 << 20;

/** Whether the properties say gzip. Throws CatalogError for methods nobody knows. */
export function isCompressed(properties: readonly Property[]): boolean {
  const method = integer(properties, MSF_COMPRESSION) ?? NONE;
  if (method !== NONE && method !== GZIP) throw new CatalogError(`The catalog is compressed by the unknown method ${method}.`);
  return method === GZIP;
}

/** Unpacks gzip. Rejects with CatalogError when it is damaged or grows beyond 1 MiB. */
export async function inflate(payload: Uint8Array): Promise<Uint8Array> {
  const reader = new Blob([payload as BlobPart]).stream().pipeThrough(new DecompressionStream("gzip")).getReader();
  const parts: Uint8Array[] = [];
  let length = 0;
  for (;;) {
    const step = await reader.read().catch(() => {
      throw new CatalogError("The compressed catalog is damaged.");
    });
    if (step.done) break;
    parts.push(step.value);
    length += step.value.length;
    if (length > MAX_INFLATED) {
      void reader.cancel();
      throw new CatalogError("The catalog is larger than 1 MiB.");
    }
  }
  const whole = new Uint8Array(length);
  let at = 0;
  for (const part of parts) {
    whole.set(part, at);
    at += part.length;
  }
  return whole;
}
