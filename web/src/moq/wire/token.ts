/** Authorization tokens (moqt-18 §10.2.2). */
import { Reader, Writer } from "./buffer.ts";
import type { Draft } from "./draft.ts";
import { badKeyValue, ShortInput } from "./errors.ts";
import type { U64 } from "./u64.ts";

export const TokenAliasType = { DELETE: 0, REGISTER: 1, USE_ALIAS: 2, USE_VALUE: 3 } as const;

/** DELETE and USE_ALIAS have an alias, USE_VALUE a type and a value, REGISTER all three. */
export type Token =
  | { aliasType: 0 | 2; alias: U64 }
  | { aliasType: 1; alias: U64; tokenType: U64; value: Uint8Array }
  | { aliasType: 3; tokenType: U64; value: Uint8Array };

export function encodeToken(t: Token, draft: Draft): Uint8Array {
  const w = new Writer(draft).varint(t.aliasType);
  if ("alias" in t) w.varint(t.alias);
  if ("tokenType" in t) w.varint(t.tokenType).raw(t.value);
  return w.bytes();
}

/** Reads a token that fills b. Any fault is a KEY_VALUE_FORMATTING_ERROR. */
export function parseToken(b: Uint8Array, draft: Draft): Token {
  const r = new Reader(b, draft);
  try {
    const aliasType = r.varint();
    switch (aliasType) {
      case TokenAliasType.DELETE:
      case TokenAliasType.USE_ALIAS: {
        const t: Token = { aliasType, alias: r.varint() };
        if (r.remaining > 0) throw badKeyValue(`${r.remaining} bytes after a token alias`);
        return t;
      }
      case TokenAliasType.REGISTER:
        return { aliasType, alias: r.varint(), tokenType: r.varint(), value: r.rest().slice() };
      case TokenAliasType.USE_VALUE:
        return { aliasType, tokenType: r.varint(), value: r.rest().slice() };
      default:
        throw badKeyValue(`token alias type ${aliasType} does not exist`);
    }
  } catch (e) {
    throw e instanceof ShortInput ? badKeyValue("token ends inside a field") : e;
  }
}
