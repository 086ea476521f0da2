/** SETUP (moqt-18 §10.3), in draft 16 CLIENT_SETUP and SERVER_SETUP (moqt-16 §9.3). */
import { SessionError } from "../errors.ts";
import type { Reader, Writer } from "./buffer.ts";
import type { Draft } from "./draft.ts";
import { violation, WireError } from "./errors.ts";
import { encodeKeyValues, type KeyValue, parseKeyValues } from "./properties.ts";
import { MessageType, type Setup } from "./types.ts";
import { encodeToken, parseToken } from "./token.ts";
import type { U64 } from "./u64.ts";

const PATH = 0x01;
const AUTH_TOKEN = 0x03;
const AUTHORITY = 0x05;
const IMPLEMENTATION = 0x07;

/** Options that are numbers. */
type NumberField = "maxRequestId" | "maxAuthTokenCacheSize" | "maxFilterRanges" | "maxRequestUpdates";
const numbers: readonly { type: number; field: NumberField; in: (d: Draft) => boolean }[] = [
  { type: 0x02, field: "maxRequestId", in: (d) => d.controlStream },
  { type: 0x04, field: "maxAuthTokenCacheSize", in: () => true },
  { type: 0x06, field: "maxFilterRanges", in: (d) => d.rangeFilters },
  { type: 0x08, field: "maxRequestUpdates", in: (d) => d.requestUpdateLimit },
];

function numberOf(type: U64, draft: Draft): NumberField | undefined {
  return numbers.find((n) => n.type === type && n.in(draft))?.field;
}

const texts = new Map<U64, "path" | "authority" | "implementation">([[PATH, "path"], [AUTHORITY, "authority"], [IMPLEMENTATION, "implementation"]]);

/** Whether this side may receive a path or an authority is for the connection to know. */
export function readSetup(r: Reader): Setup {
  const m: Setup = { type: MessageType.SETUP };
  const count = r.draft.controlStream ? r.varint() : undefined;
  const options = parseKeyValues(r.rest(), r.draft);
  if (count !== undefined && count !== options.length) throw violation(`${options.length} setup options, announced were ${count}`);
  for (const { type, value } of options) {
    const number = numberOf(type, r.draft);
    const text = texts.get(type);
    const field = number ?? text;
    if (field !== undefined && m[field] !== undefined) throw violation(`setup option 0x${type.toString(16)} is repeated`);
    if (number !== undefined) m[number] = value as U64;
    else if (text !== undefined) m[text] = checked[text](new TextDecoder("utf-8", { ignoreBOM: true }).decode(value as Uint8Array));
    else if (type === AUTH_TOKEN) (m.authTokens ??= []).push(parseToken(value as Uint8Array, r.draft));
    else (m.unknown ??= []).push({ type, value: value instanceof Uint8Array ? value.slice() : value });
  }
  return m;
}

/** Leaves out what the draft does not have. */
export function writeSetup(w: Writer, m: Setup): void {
  const options: KeyValue[] = [];
  for (const [type, field] of texts) {
    const text = m[field];
    if (text !== undefined) options.push({ type, value: new TextEncoder().encode(checked[field](text)) });
  }
  for (const n of numbers) {
    const value = m[n.field];
    if (value !== undefined && n.in(w.draft)) options.push({ type: n.type, value });
  }
  for (const token of m.authTokens ?? []) options.push({ type: AUTH_TOKEN, value: encodeToken(token, w.draft) });
  for (const option of m.unknown ?? []) {
    if (texts.has(option.type) || option.type === AUTH_TOKEN || numberOf(option.type, w.draft) !== undefined) {
      throw new RangeError(`setup option 0x${option.type.toString(16)} has a field of its own`);
    }
    options.push(option);
  }
  if (w.draft.controlStream) w.varint(options.length);
  w.raw(encodeKeyValues(options, w.draft));
}

const uriText = "[A-Za-z0-9\\-._~!$&'()*+,;=]|%[0-9A-Fa-f]{2}";
const pathForm = new RegExp(`^(?:/(?:${uriText}|[:@/])*)?(?:\\?(?:${uriText}|[:@/?])*)?$`);
const authorityForm = new RegExp(`^(?:(?:${uriText}|:)*@)?(?:\\[[0-9A-Fa-f:.]+\\]|(?:${uriText})+)(?::[0-9]*)?$`);

/** path-abempty [ "?" query ] of RFC 3986 (moqt-18 §10.3.1.2). */
function checkPath(path: string): string {
  if (!pathForm.test(path)) throw new WireError(SessionError.MALFORMED_PATH, `not a URI path: ${JSON.stringify(path)}`);
  return path;
}

/** authority of RFC 3986 with a host (moqt-18 §10.3.1.1). */
function checkAuthority(authority: string): string {
  if (!authorityForm.test(authority)) throw new WireError(SessionError.MALFORMED_AUTHORITY, `not a URI authority: ${JSON.stringify(authority)}`);
  return authority;
}

const checked = { path: checkPath, authority: checkAuthority, implementation: (text: string) => text };
