/** Both directions of the golden vectors of the drafts that we speak, and truncation of each of them at every byte. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { codeName, SessionError } from "../../src/moq/errors.ts";
import { Reader, Writer } from "../../src/moq/wire/buffer.ts";
import { type Draft, DRAFT_16, DRAFTS } from "../../src/moq/wire/draft.ts";
import { encodeDatagram, parseDatagram } from "../../src/moq/wire/datagram.ts";
import { ShortInput, WireError } from "../../src/moq/wire/errors.ts";
import { type FetchCursor, type FetchItem, nextCursor, readFetchHeader, readFetchItem, writeFetchHeader, writeFetchItem } from "../../src/moq/wire/fetchstream.ts";
import { decodeMessage, encodeMessage } from "../../src/moq/wire/messages.ts";
import { parseTrackNameText, readFullTrackName, trackNameText, writeFullTrackName } from "../../src/moq/wire/names.ts";
import { encodeKeyValues, parseKeyValues, trackInfo } from "../../src/moq/wire/properties.ts";
import { readSubgroupHeader, readSubgroupObject, type SubgroupMode, writeSubgroupHeader, writeSubgroupObject } from "../../src/moq/wire/subgroup.ts";
import { messageName, MessageType } from "../../src/moq/wire/types.ts";
import type { U64 } from "../../src/moq/wire/u64.ts";
import { files, fromHex, load, messageValue, omitEmpty, pair, toHex, toMessage, toPair, toTrackName, trackName, u64, type Vector } from "./vectors.ts";

/** Runs decode and names what it threw: the code of a fault, or "short". */
function outcome(decode: () => unknown): { value?: unknown; error?: string } {
  try {
    return { value: decode() };
  } catch (e) {
    if (e instanceof ShortInput) return { error: "short" };
    if (e instanceof WireError) return { error: codeName(SessionError, e.code) };
    throw e;
  }
}

interface Codec {
  /** The value as the vectors write it; it must take all bytes. */
  decode(b: Uint8Array, v: Vector): unknown;
  encode(v: Vector): Uint8Array;
  /** False if every beginning of a valid input is itself valid or a fault, and never short. */
  incremental?: boolean;
}

function whole<T>(b: Uint8Array, draft: Draft, read: (r: Reader) => T): T {
  const r = new Reader(b, draft);
  const value = read(r);
  assert.equal(r.remaining, 0, "bytes left");
  return value;
}

const modes: SubgroupMode[] = ["zero", "firstObject", "explicit"];
const kinds: FetchItem["kind"][] = ["object", "endNonExistent", "endUnknown", "endTimedOut"];

const codecs: Record<string, Codec> = {
  varint: {
    decode: (b, v) => String(whole(b, v.draft, (r) => r.varint())),
    encode: (v) => new Writer(v.draft).varint(u64(v.value)).bytes(),
    incremental: true,
  },
  messages: {
    decode(b, v) {
      const m = whole(b, v.draft, decodeMessage);
      if (v["message"] !== undefined) assert.equal(messageName(m.type), v["message"]);
      return messageValue(m);
    },
    encode: (v) => encodeMessage(toMessage(v["message"] as string, v.value), v.draft),
    incremental: true,
  },
  subgroup: { decode: decodeSubgroup, encode: encodeSubgroup, incremental: true },
  fetch: { decode: decodeFetch, encode: encodeFetch, incremental: true },
  datagram: {
    decode(b, v) {
      const d = parseDatagram(b, v.draft);
      if (d === "padding") return { padding: true };
      return omitEmpty({ ...d, trackAlias: String(d.trackAlias), group: String(d.group), id: String(d.id), status: String(d.status), properties: toHex(d.properties), payload: toHex(d.payload) });
    },
    encode: ({ value: v, draft }) =>
      encodeDatagram({ ...v, trackAlias: u64(v.trackAlias), group: u64(v.group), id: u64(v.id), status: Number(v.status), properties: fromHex(v.properties), payload: fromHex(v.payload) }, draft),
  },
  properties: {
    decode: (b, v) => ({ pairs: parseKeyValues(b, v.draft).map(pair) }),
    encode: (v) => encodeKeyValues(v.value.pairs.map(toPair), v.draft),
  },
  names: {
    decode: (b, v) => trackName(whole(b, v.draft, readFullTrackName)),
    encode(v) {
      const w = new Writer(v.draft);
      writeFullTrackName(w, toTrackName(v.value));
      return w.bytes();
    },
    incremental: true,
  },
};

function decodeSubgroup(b: Uint8Array, v: Vector): unknown {
  return whole(b, v.draft, (r) => {
    const h = readSubgroupHeader(r);
    const objects: unknown[] = [];
    let previous: U64 | undefined;
    while (r.remaining > 0) {
      const o = readSubgroupObject(r, h.hasProperties, previous);
      previous = o.id;
      objects.push(omitEmpty({ id: String(o.id), status: String(o.status), properties: toHex(o.properties), payload: toHex(r.take(o.payloadLength)) }));
    }
    const header = { ...h, mode: modes.indexOf(h.mode), trackAlias: String(h.trackAlias), group: String(h.group), subgroup: String(h.subgroup) };
    return omitEmpty({ header, objects });
  });
}

function encodeSubgroup({ value, draft }: Vector): Uint8Array {
  const h = value.header;
  const w = new Writer(draft);
  writeSubgroupHeader(w, { ...h, mode: modes[h.mode], trackAlias: u64(h.trackAlias), group: u64(h.group), subgroup: u64(h.subgroup) });
  let previous: U64 | undefined;
  for (const o of value.objects ?? []) {
    const payload = fromHex(o.payload);
    writeSubgroupObject(w, h.hasProperties, previous, { id: u64(o.id), status: Number(o.status), properties: fromHex(o.properties), payloadLength: payload.length });
    w.raw(payload);
    previous = u64(o.id);
  }
  return w.bytes();
}

function decodeFetch(b: Uint8Array, v: Vector): unknown {
  return whole(b, v.draft, (r) => {
    const requestId = String(readFetchHeader(r));
    const items: unknown[] = [];
    let cursor: FetchCursor = { descending: v["descending"] === true };
    while (r.remaining > 0) {
      const item = readFetchItem(r, cursor);
      cursor = nextCursor(cursor, item);
      const common = { kind: kinds.indexOf(item.kind), group: String(item.group), id: String(item.id) };
      if (item.kind !== "object") {
        items.push({ ...common, subgroup: "0", datagram: false, priority: 0, hasProperties: false });
        continue;
      }
      const { datagram, priority, hasProperties } = item;
      items.push(
        omitEmpty({ ...common, subgroup: String(item.subgroup), datagram, priority, hasProperties, properties: toHex(item.properties), payload: toHex(r.take(item.payloadLength)) }),
      );
    }
    return omitEmpty({ header: { requestId }, items });
  });
}

function encodeFetch(v: Vector): Uint8Array {
  const w = new Writer(v.draft);
  writeFetchHeader(w, u64(v.value.header.requestId));
  let cursor: FetchCursor = { descending: v["descending"] === true };
  for (const i of v.value.items ?? []) {
    const kind = kinds[i.kind] as FetchItem["kind"];
    const payload = fromHex(i.payload);
    const location = { group: u64(i.group), id: u64(i.id) };
    const item: FetchItem =
      kind === "object"
        ? { ...i, ...location, kind, subgroup: u64(i.subgroup), properties: fromHex(i.properties), payloadLength: payload.length }
        : { ...location, kind };
    writeFetchItem(w, cursor, item);
    w.raw(payload);
    cursor = nextCursor(cursor, item);
  }
  return w.bytes();
}

function label(v: Vector): string {
  return `draft ${v.draft.number}: ${v.name}`;
}

test("every file is known, and has entries of every draft that we speak, each of which some test looks at", () => {
  assert.deepEqual(files().sort(), Object.keys(codecs).sort());
  for (const file of files()) {
    const vectors = load(file);
    assert.deepEqual(DRAFTS.filter((d) => !vectors.some((v) => v.draft === d && v.hex !== undefined)).map((d) => d.number), [], `drafts without entries in ${file}`);
    for (const v of vectors) assert.ok(v.hex !== undefined || (file === "names" && v["text"] !== undefined), `${file}: ${label(v)}`);
  }
});

for (const [file, codec] of Object.entries(codecs)) {
  const vectors = load(file).filter((v) => v.hex !== undefined);
  test(`${file}: decode`, () => {
    for (const v of vectors) {
      const expected = v.error === undefined ? { value: v.value } : { error: v.error };
      assert.deepEqual(outcome(() => codec.decode(fromHex(v.hex), v)), expected, label(v));
    }
  });
  test(`${file}: encode`, () => {
    for (const v of vectors) {
      if (v.error === undefined && v.decodeOnly !== true) assert.equal(toHex(codec.encode(v)), v.hex, label(v));
    }
  });
  test(`${file}: every beginning is valid, short or a fault, and never something else`, () => {
    for (const v of vectors) {
      if (v.error !== undefined) continue;
      const b = fromHex(v.hex);
      for (let n = 0; n < b.length; n += b.length > 2000 ? 97 : 1) {
        const { error } = outcome(() => codec.decode(b.subarray(0, n), v));
        if (codec.incremental === true) assert.ok(error === undefined || error === "short", `${label(v)} cut at ${n}: ${error}`);
        else assert.notEqual(error, "short", `${label(v)} cut at ${n}`);
      }
    }
  });
}

test("names: printable form", () => {
  for (const v of load("names")) {
    const text = v["text"] as string | undefined;
    if (text === undefined) continue;
    if (v.error === "text") {
      assert.throws(() => parseTrackNameText(text), RangeError, v.name);
      continue;
    }
    assert.equal(trackNameText(toTrackName(v.value)), text, v.name);
    assert.deepEqual(trackName(parseTrackNameText(text)), v.value, v.name);
  }
});

test("names: draft 16 has no track namespace without fields, but prefixes and suffixes", () => {
  const type = MessageType.PUBLISH_NAMESPACE;
  for (const draft of DRAFTS) {
    const name = () => writeFullTrackName(new Writer(draft), { namespace: [], name: fromHex("61") });
    const message = () => encodeMessage({ type, requestId: 0, namespace: [], params: {} }, draft);
    for (const write of [name, message]) {
      if (draft === DRAFT_16) assert.throws(write, RangeError);
      else assert.doesNotThrow(write);
    }
    assert.doesNotThrow(() => encodeMessage({ type: MessageType.NAMESPACE, suffix: [] }, draft));
  }
});

test("properties: as Track Properties", () => {
  for (const v of load("properties")) {
    if (v.error !== undefined) continue;
    const read = outcome(() => {
      const info = trackInfo(parseKeyValues(fromHex(v.hex), v.draft), v.draft);
      return {
        publisherPriority: info.publisherPriority,
        groupOrder: info.groupOrder === "ascending" ? 1 : 2,
        dynamicGroups: info.dynamicGroups,
        unknownMandatory: String(info.unknownMandatory ?? 0),
      };
    });
    if (v["trackError"] !== undefined) {
      assert.deepEqual(read, { error: v["trackError"] }, label(v));
      continue;
    }
    // The timeouts are the publisher's affair: this client has no cache and forwards nothing.
    const { objectDeliveryTimeout: _o, subgroupDeliveryTimeout: _s, maxCacheDuration: _m, ...info } = v["trackInfo"] as Record<string, unknown>;
    assert.deepEqual(read.value, info, label(v));
  }
});
