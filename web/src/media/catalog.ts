// The MSF catalog (draft-ietf-moq-msf of 2026-08-04, §Catalog): what tracks a
// broadcast has. A catalog is data from the network: every field is checked,
// unknown fields and unknown tracks are ignored, and a catalog that cannot be
// used says why in words.

/** The MSF version this parser understands (msf §MSF version). */
export const MSF_VERSION = "draft-01";

/** Bounds that keep a hostile catalog from costing more than a look. */
const MAX_CATALOG_BYTES = 1 << 20;
const MAX_TRACKS = 256;
const MAX_OPERATIONS = 1024;

/** One track of a catalog, with the fields the player uses. */
export interface CatalogTrack {
  readonly name: string;
  /** Absent: the namespace of the catalog itself (msf §Track namespace). */
  readonly namespace?: string;
  readonly packaging: string;
  readonly isLive: boolean;
  readonly role?: string;
  readonly codec?: string;
  /** Bits per second. */
  readonly bitrate?: number;
  readonly width?: number;
  readonly height?: number;
  readonly framerate?: number;
  readonly samplerate?: number;
  readonly channels?: number;
  /** Units per second of the timestamps; absent: wall-clock microseconds. */
  readonly timescale?: number;
  readonly renderGroup?: number;
  readonly altGroup?: number;
  /** Milliseconds from encoding to display (msf §Target latency). */
  readonly targetLatency?: number;
  readonly label?: string;
  readonly lang?: string;
  readonly encrypted: boolean;
}

export interface Catalog {
  readonly tracks: readonly CatalogTrack[];
  /** The publisher promises that nothing will follow (msf §Is Complete). */
  readonly isComplete: boolean;
}

/** Thrown for a catalog that cannot be used; the text is for people. */
export class CatalogError extends Error {
  override readonly name = "CatalogError";
}

type Json = { readonly [key: string]: unknown };

/**
 * CatalogReader keeps the current catalog over a sequence of catalog objects:
 * object 0 of a group is a whole catalog, the ones after it are deltas
 * (msf §Catalog). It is not thread safe; one reader belongs to one track.
 */
export class CatalogReader {
  private raw: Json[] | undefined;
  private complete = false;
  private group = -1;
  private nextObject = 0;

  /**
   * Takes the payload of catalog object `object` of `group` and returns the
   * catalog after it, or undefined when the object must be ignored: it is
   * older than what is known, or a delta whose base never came.
   * Throws CatalogError when the object is not a usable catalog.
   */
  read(group: number, object: number, payload: Uint8Array): Catalog | undefined {
    if (group < this.group) return undefined;
    if (group === this.group && object < this.nextObject) return undefined;
    const doc = parse(payload);
    const delta = doc["deltaUpdate"];
    if (delta === undefined) {
      this.raw = independent(doc);
      this.complete = doc["isComplete"] === true;
    } else {
      if (group !== this.group || object !== this.nextObject || this.raw === undefined) return undefined;
      this.raw = applyDelta(this.raw, delta);
    }
    this.group = group;
    this.nextObject = object + 1;
    return this.snapshot();
  }

  /** Forgets everything: the next subscription may number its groups anew. */
  reset(): void {
    this.raw = undefined;
    this.complete = false;
    this.group = -1;
    this.nextObject = 0;
  }

  private snapshot(): Catalog {
    const tracks: CatalogTrack[] = [];
    for (const t of this.raw ?? []) {
      const track = toTrack(t);
      if (track !== undefined) tracks.push(track);
    }
    return { tracks, isComplete: this.complete };
  }
}

function parse(payload: Uint8Array): Json {
  if (payload.length > MAX_CATALOG_BYTES) throw new CatalogError("The catalog is larger than 1 MiB.");
  let doc: unknown;
  try {
    doc = JSON.parse(new TextDecoder("utf-8", { fatal: true }).decode(payload));
  } catch {
    throw new CatalogError("The catalog is not valid JSON.");
  }
  if (!isObject(doc)) throw new CatalogError("The catalog is not a JSON object.");
  return doc;
}

function independent(doc: Json): Json[] {
  const version = doc["version"];
  // A subscriber must not guess at versions it does not know (msf §MSF version).
  if (version !== MSF_VERSION && version !== 1 && version !== "1") {
    throw new CatalogError(`The catalog has version ${JSON.stringify(version) ?? "none"}; this player reads ${MSF_VERSION}.`);
  }
  const tracks = doc["tracks"];
  if (!Array.isArray(tracks)) throw new CatalogError("The catalog lists no tracks.");
  if (tracks.length > MAX_TRACKS) throw new CatalogError(`The catalog lists more than ${MAX_TRACKS} tracks.`);
  return tracks.filter(isObject);
}

/** Applies the operations of a delta in order (msf §Delta updates). */
function applyDelta(base: readonly Json[], delta: unknown): Json[] {
  if (!Array.isArray(delta)) throw new CatalogError("The catalog delta is not a list of operations.");
  if (delta.length > MAX_OPERATIONS) throw new CatalogError("The catalog delta has too many operations.");
  const tracks = [...base];
  for (const operation of delta) {
    if (!isObject(operation) || !Array.isArray(operation["tracks"])) {
      throw new CatalogError("A catalog delta operation has no tracks.");
    }
    for (const change of operation["tracks"]) {
      if (isObject(change)) applyChange(tracks, operation["op"], change);
    }
    if (tracks.length > MAX_TRACKS) throw new CatalogError(`The catalog lists more than ${MAX_TRACKS} tracks.`);
  }
  return tracks;
}

function applyChange(tracks: Json[], op: unknown, change: Json): void {
  switch (op) {
    case "add": {
      const at = find(tracks, change["name"], change["namespace"]);
      if (at >= 0) tracks[at] = change;
      else tracks.push(change);
      return;
    }
    case "remove": {
      const at = find(tracks, change["name"], change["namespace"]);
      if (at >= 0) tracks.splice(at, 1);
      return;
    }
    case "clone": {
      const at = find(tracks, change["parentName"], change["parentNamespace"]);
      const parent = tracks[at];
      if (parent === undefined) throw new CatalogError("A catalog delta clones a track that does not exist.");
      tracks.push(merge(parent, change));
      return;
    }
    case "update": {
      // The text of the draft names the track by parentName, its example by name.
      const parentName = change["parentName"] ?? change["name"];
      const at = find(tracks, parentName, change["parentNamespace"] ?? change["namespace"]);
      const parent = tracks[at];
      if (parent === undefined) throw new CatalogError("A catalog delta updates a track that does not exist.");
      tracks[at] = merge(parent, change);
      return;
    }
    default:
      throw new CatalogError(`The catalog delta has an unknown operation ${JSON.stringify(op) ?? "none"}.`);
  }
}

function merge(parent: Json, change: Json): Json {
  const merged: Record<string, unknown> = { ...parent, ...change };
  delete merged["parentName"];
  delete merged["parentNamespace"];
  return merged;
}

function find(tracks: readonly Json[], name: unknown, namespace: unknown): number {
  return tracks.findIndex((t) => t["name"] === name && t["namespace"] === namespace);
}

function toTrack(t: Json): CatalogTrack | undefined {
  const name = text(t["name"]);
  const packaging = text(t["packaging"]);
  if (name === undefined || packaging === undefined) return undefined;
  const channels = Number.parseInt(text(t["channelConfig"]) ?? "", 10);
  return {
    name,
    packaging,
    // Required by the draft; a track that does not say it ended is live.
    isLive: t["isLive"] !== false,
    encrypted: t["encryptionScheme"] !== undefined,
    ...optional("namespace", text(t["namespace"])),
    ...optional("role", text(t["role"])),
    ...optional("codec", text(t["codec"])),
    ...optional("bitrate", positive(t["bitrate"])),
    ...optional("width", positive(t["width"])),
    ...optional("height", positive(t["height"])),
    ...optional("framerate", positive(t["framerate"])),
    ...optional("samplerate", positive(t["samplerate"])),
    ...optional("channels", channels > 0 && channels <= 64 ? channels : undefined),
    ...optional("timescale", positive(t["timescale"])),
    ...optional("renderGroup", number(t["renderGroup"])),
    ...optional("altGroup", number(t["altGroup"])),
    ...optional("targetLatency", positive(t["targetLatency"])),
    ...optional("label", text(t["label"])),
    ...optional("lang", text(t["lang"])),
  };
}

function optional<K extends string, V>(key: K, value: V | undefined): { [P in K]?: V } {
  return value === undefined ? {} : ({ [key]: value } as { [P in K]?: V });
}

function isObject(v: unknown): v is Json {
  return typeof v === "object" && v !== null && !Array.isArray(v);
}

function text(v: unknown): string | undefined {
  return typeof v === "string" && v !== "" ? v : undefined;
}

function number(v: unknown): number | undefined {
  return typeof v === "number" && Number.isFinite(v) ? v : undefined;
}

function positive(v: unknown): number | undefined {
  const n = number(v);
  return n !== undefined && n > 0 ? n : undefined;
}
