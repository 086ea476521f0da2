/** SETUP (moqt-18 §10.3). */
import { SessionError } from "../errors.ts";
import type { Reader, Writer } from "./buffer.ts";
import { violation, WireError } from "./errors.ts";
import { encodeKeyValues, type KeyValue, parseKeyValues } from "./properties.ts";
import { MessageType, type Setup } from "./types.ts";
import { encodeToken, parseToken } from "./token.ts";
import type { U64 } from "./u64.ts";

const PATH = 0x01;
const AUTH_TOKEN = 0x03;
const MAX_AUTH_TOKEN_CACHE_SIZE = 0x04;
const AUTHORITY = 0x05;
const IMPLEMENTATION = 0x07;
const known = new Set<U64>([PATH, AUTH_TOKEN, MAX_AUTH_TOKEN_CACHE_SIZE, AUTHORITY, IMPLEMENTATION]);

/** Whether this side may receive a path or an authority is for the connection to know. */
export function readSetup(r: Reader): Setup {
  const m: Setup = { type: MessageType.SETUP };
  const seen = new Set<U64>();
  const decoder = new TextDecoder("utf-8", { ignoreBOM: true });
  for (const option of parseKeyValues(r.rest())) {
    const { type, value } = option;
    if (known.has(type) && type !== AUTH_TOKEN && seen.has(type)) throw violation(`setup option 0x${type.toString(16)} is repeated`);
    seen.add(type);
    if (!known.has(type)) (m.unknown ??= []).push({ type, value: value instanceof Uint8Array ? value.slice() : value });
    else if (!(value instanceof Uint8Array)) m.maxAuthTokenCacheSize = value;
    else if (type === PATH) m.path = checkPath(decoder.decode(value));
    else if (type === AUTHORITY) m.authority = checkAuthority(decoder.decode(value));
    else if (type === IMPLEMENTATION) m.implementation = decoder.decode(value);
    else (m.authTokens ??= []).push(parseToken(value));
  }
  return m;
}

export function writeSetup(w: Writer, m: Setup): void {
  const encoder = new TextEncoder();
  const options: KeyValue[] = [];
  if (m.path !== undefined) options.push({ type: PATH, value: encoder.encode(checkPath(m.path)) });
  if (m.authority !== undefined) options.push({ type: AUTHORITY, value: encoder.encode(checkAuthority(m.authority)) });
  if (m.implementation !== undefined) options.push({ type: IMPLEMENTATION, value: encoder.encode(m.implementation) });
  if (m.maxAuthTokenCacheSize !== undefined) options.push({ type: MAX_AUTH_TOKEN_CACHE_SIZE, value: m.maxAuthTokenCacheSize });
  for (const token of m.authTokens ?? []) options.push({ type: AUTH_TOKEN, value: encodeToken(token) });
  for (const option of m.unknown ?? []) {
    if (known.has(option.type)) throw new RangeError(`setup option 0x${option.type.toString(16)} has a field of its own`);
    options.push(option);
  }
  w.raw(encodeKeyValues(options));
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
