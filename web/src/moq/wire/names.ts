/** Namespaces and track names (moqt-18 §2.4.1), which are bytes, and their printable form (§1.5). */
import type { Reader, Writer } from "./buffer.ts";
import { violation } from "./errors.ts";

/** 0 to 32 fields of arbitrary bytes, none of them empty. Also used for prefixes and suffixes. In draft 16 a whole one has a field. */
export type Namespace = readonly Uint8Array[];

/** Identifies a track. The name may be empty. */
export interface FullTrackName {
  namespace: Namespace;
  name: Uint8Array;
}

export const MAX_NAMESPACE_FIELDS = 32;
/** Bytes in all fields and the name together. */
export const MAX_FULL_TRACK_NAME = 4096;

function size(n: Namespace): number {
  return n.reduce((sum, field) => sum + field.length, 0);
}

/** Throws a RangeError if n cannot be sent, next to a name of nameLength bytes. */
function check(n: Namespace, nameLength: number): void {
  if (n.length > MAX_NAMESPACE_FIELDS) throw new RangeError(`namespace has ${n.length} fields, the limit is ${MAX_NAMESPACE_FIELDS}`);
  if (n.some((field) => field.length === 0)) throw new RangeError("namespace has an empty field");
  if (size(n) + nameLength > MAX_FULL_TRACK_NAME) throw new RangeError(`track name has more than ${MAX_FULL_TRACK_NAME} bytes`);
}

export function readNamespace(r: Reader): Namespace {
  const count = r.varint();
  if (count > MAX_NAMESPACE_FIELDS) throw violation(`namespace has ${count} fields, the limit is ${MAX_NAMESPACE_FIELDS}`);
  const fields: Uint8Array[] = [];
  let room = MAX_FULL_TRACK_NAME;
  while (fields.length < count) {
    const length = r.varint();
    if (length === 0) throw violation("namespace has an empty field");
    if (length > room) throw violation(`namespace has more than ${MAX_FULL_TRACK_NAME} bytes`);
    room -= Number(length);
    fields.push(r.take(length).slice());
  }
  return fields;
}

export function writeNamespace(w: Writer, n: Namespace): void {
  check(n, 0);
  w.varint(n.length);
  for (const field of n) w.prefixed(field);
}

/** The namespace of a track or of a publisher, not a prefix or a suffix of one. */
export function readTrackNamespace(r: Reader): Namespace {
  const n = readNamespace(r);
  if (n.length === 0 && !r.draft.emptyNamespace) throw violation("track namespace has no fields");
  return n;
}

/** As readTrackNamespace. */
export function writeTrackNamespace(w: Writer, n: Namespace): void {
  if (n.length === 0 && !w.draft.emptyNamespace) throw new RangeError(`draft ${w.draft.number} has no track namespace without fields`);
  writeNamespace(w, n);
}

export function readFullTrackName(r: Reader): FullTrackName {
  const namespace = readTrackNamespace(r);
  const name = r.prefixed("track name", MAX_FULL_TRACK_NAME - size(namespace)).slice();
  return { namespace, name };
}

export function writeFullTrackName(w: Writer, f: FullTrackName): void {
  check(f.namespace, f.name.length);
  writeTrackNamespace(w, f.namespace);
  w.prefixed(f.name);
}

/** The printable form, for example "example.2enet-team2". */
export function namespaceText(n: Namespace): string {
  return n.map(fieldText).join("-");
}

/** The printable form, for example "example.2enet-team2--report". */
export function trackNameText(f: FullTrackName): string {
  return namespaceText(f.namespace) + "--" + fieldText(f.name);
}

/** The inverse of namespaceText. Throws a RangeError for anything that would not have written (moqt-18 §1.5.1). */
export function parseNamespaceText(text: string): Namespace {
  const n = splitNamespace(text);
  check(n, 0);
  return n;
}

/** The inverse of trackNameText. Throws a RangeError. */
export function parseTrackNameText(text: string): FullTrackName {
  const at = text.indexOf("--");
  if (at < 0) throw new RangeError('there is no "--" before the track name');
  const f = { namespace: splitNamespace(text.slice(0, at)), name: parseField(text.slice(at + 2)) };
  check(f.namespace, f.name.length);
  return f;
}

function splitNamespace(text: string): Namespace {
  return text === "" ? [] : text.split("-").map(parseField);
}

const literal = /^[a-zA-Z0-9_]$/;

function fieldText(b: Uint8Array): string {
  let text = "";
  for (const byte of b) {
    const c = String.fromCharCode(byte);
    text += literal.test(c) ? c : "." + byte.toString(16).padStart(2, "0");
  }
  return text;
}

function parseField(text: string): Uint8Array {
  const bytes: number[] = [];
  for (let i = 0; i < text.length; i++) {
    const c = text.charAt(i);
    if (literal.test(c)) {
      bytes.push(c.charCodeAt(0));
      continue;
    }
    const hex = /^\.([0-9a-f]{2})/.exec(text.slice(i, i + 3));
    if (hex === null) throw new RangeError(`${JSON.stringify(text.slice(i, i + 3))} is not a period and two lower case hex digits`);
    const byte = parseInt(hex[1] as string, 16);
    if (literal.test(String.fromCharCode(byte))) throw new RangeError(`${hex[0]} must be written as ${String.fromCharCode(byte)}`);
    bytes.push(byte);
    i += 2;
  }
  return Uint8Array.from(bytes);
}
