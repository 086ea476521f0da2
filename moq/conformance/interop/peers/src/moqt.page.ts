// In the page: @moqt/transport and @moqt/webtransport, as subscriber and as publisher.

import { varint, type ControlMessage, type DraftVersion, type MoqtObject } from "@moqt/transport";
import { MoqtConnection } from "@moqt/webtransport";
import { groupOf, integersOf, lastSubgroup, Tally, type TrackName } from "./pattern.ts";
import { heardBytes, TappedWebTransport, trusting, type Heard } from "./tap.ts";
import type { Outcome } from "./report.ts";

let connection: MoqtConnection;
let draft: DraftVersion;
let transport: WebTransport;
const errors: string[] = [];
const messages: ControlMessage[] = [];

const bytes = (s: string): Uint8Array => new TextEncoder().encode(s);
const text = (b: Uint8Array): string => new TextDecoder().decode(b);
const fields = (namespace: string): Uint8Array[] => namespace.split("/").map(bytes);
const pause = (ms: number): Promise<void> => new Promise((r) => setTimeout(r, ms));

/** Waits for a condition, or for an error of the connection. */
async function until(what: string, ask: () => boolean, withinMs = 10_000): Promise<void> {
  for (const end = performance.now() + withinMs; !ask(); await pause(20)) {
    if (errors.length > 0) throw new Error(`waiting for ${what}: ${errors.join("; ")}`);
    if (performance.now() > end) throw new Error(`not within ${withinMs} ms: ${what}`);
  }
}

function outcome(t: Tally): Outcome {
  return { run: t.run(), problems: t.problems };
}

function take(t: Tally, o: MoqtObject): void {
  if (o.kind !== "data") {
    // The package makes an object of the END_OF_GROUP flag.
    if (o.status === 3n && groupOf(t.track, Number(o.groupId), integersOf(draft)).every((v) => v.id < Number(o.objectId))) return;
    t.problems.push(`${o.groupId}/${o.objectId}: status ${o.status}`);
    return;
  }
  t.take({
    group: Number(o.groupId),
    id: Number(o.objectId),
    subgroup: Number(o.subgroupId),
    priority: o.publisherPriority,
    properties: o.properties ?? o.extensions ?? new Uint8Array(),
    payload: o.payload,
  });
}

const peer = {
  /** Connects and waits for SETUP. Returns the WT-Protocol that was agreed on. */
  async connect(o: { url: string; fingerprint: string; draft: DraftVersion }): Promise<string> {
    draft = o.draft;
    transport = new TappedWebTransport(o.url, { ...trusting(o.fingerprint), protocols: [`moqt-${draft}`] } as WebTransportOptions);
    await transport.ready;
    connection = new MoqtConnection(draft);
    connection.onError = (e) => errors.push(e.message);
    connection.onClose = (code, reason) => errors.push(`closed with ${code}: ${reason}`);
    connection.onMessage = (m) => messages.push(m);
    await connection.connect(transport, { maxRequestId: varint(1000), implementation: "interop" });
    return (transport as WebTransport & { protocol?: string }).protocol ?? "";
  },

  /** Namespaces below a prefix, as soon as there is one. */
  async namespaces(prefix: string): Promise<string[]> {
    const found: string[] = [];
    connection.onNamespaceMessage = (_, m) => {
      if (m.type === "NAMESPACE") found.push([prefix, ...m.trackNamespaceSuffix.map(text)].join("/"));
    };
    // Draft 16 asks for namespaces (1) or for PUBLISH (0, the package's default).
    await connection.subscribeNamespace(fields(prefix), draft === 16 ? varint(1) : undefined);
    await until("a namespace", () => found.length > 0);
    return found;
  },

  /** Subscribes until `groups` whole groups came. */
  async subscribe(o: { namespace: string; track: TrackName; groups: number }): Promise<Outcome> {
    const t = new Tally(o.track, integersOf(draft));
    const sub = await connection.subscribeTrack(fields(o.namespace), bytes(o.track), { onObject: (v) => take(t, v) });
    connection.onDatagram = (d) => {
      if (d.trackAlias !== sub.trackAlias) return;
      t.take({
        group: Number(d.groupId), id: Number(d.objectId), priority: d.publisherPriority,
        properties: d.extensions ?? new Uint8Array(), payload: d.payload,
      });
    };
    await until(`${o.groups} groups of ${o.track}`, () => t.problems.length > 0 || t.run().length >= o.groups);
    await sub.unsubscribe();
    return outcome(t);
  },

  /** Subscribes and joins with the `back` groups before the current one; ends when all of that and one more group came. */
  async join(o: { namespace: string; track: TrackName; back: number }): Promise<Outcome> {
    const t = new Tally(o.track, integersOf(draft));
    const streams = new Set<bigint>();
    let fetched = 0;
    connection.onDataStream = (id, h) => {
      if (h.type === "fetch") streams.add(id);
    };
    connection.onObject = (id, v) => {
      if (!streams.has(id)) return;
      fetched++;
      take(t, v);
    };
    const sub = await connection.subscribeTrack(fields(o.namespace), bytes(o.track), { onObject: (v) => take(t, v) });
    await connection.joiningFetch({ joiningFetchType: "relative", joiningRequestId: sub.requestId, joiningStart: BigInt(o.back) });
    await until(`${o.back + 2} groups of ${o.track}`, () => t.problems.length > 0 || t.run().length >= o.back + 2);
    await sub.unsubscribe();
    if (fetched < o.back * groupOf(o.track, 0, integersOf(draft)).length) t.problems.push(`only ${fetched} objects by FETCH`);
    return outcome(t);
  },

  /** Fetches groups until `want` whole ones came. */
  async fetch(o: { namespace: string; track: TrackName; first: number; last: number; want: number }): Promise<Outcome> {
    const t = new Tally(o.track, integersOf(draft));
    connection.onObject = (_, v) => {
      if (v.kind === "data") take(t, v); // what else comes are ranges that have no objects
    };
    await connection.fetch(fields(o.namespace), bytes(o.track), {
      startGroup: BigInt(o.first), startObject: 0n, endGroup: BigInt(o.last), endObject: 0n,
    });
    await until(`${o.want} groups of ${o.track}`, () => t.problems.length > 0 || t.run().length >= o.want);
    return outcome(t);
  },

  /** Announces a namespace and serves one track to whoever subscribes, a group every 200 ms, until the page closes. */
  async publish(o: { namespace: string; track: TrackName }): Promise<void> {
    connection.onSubscribe = (requestId, _, name) => {
      void (async () => {
        if (text(name) !== o.track) return connection.rejectSubscribe(requestId, 0x10n, "no such track");
        await connection.acceptSubscribe(requestId, 7n);
        await pump(7n, o.track);
      })().catch((e: unknown) => errors.push(String(e)));
    };
    await connection.publishNamespace(fields(o.namespace));
  },

  /** Offers a track by PUBLISH and sends it. */
  async offer(o: { namespace: string; track: TrackName }): Promise<void> {
    await connection.publish(fields(o.namespace), bytes(o.track), 9n);
    await until("the answer to PUBLISH", () => messages.some((m) => m.type === "REQUEST_OK" || m.type === "PUBLISH_OK"));
    void pump(9n, o.track).catch((e: unknown) => errors.push(String(e)));
  },

  errors: (): string[] => errors,
  heard: (): Heard[] => heardBytes(),
  async close(): Promise<void> {
    await connection.close();
  },
};

/** Sends groups for ever. */
async function pump(alias: bigint, track: TrackName): Promise<void> {
  for (let group = 0; ; group++) {
    const objects = groupOf(track, group, integersOf(draft));
    for (const subgroup of new Set(objects.map((v) => v.subgroup))) {
      const mine = objects.filter((v) => v.subgroup === subgroup);
      const [first] = mine;
      if (first === undefined) continue;
      if (first.datagram) {
        for (const v of mine) await connection.sendDatagram(alias, BigInt(group), BigInt(v.id), v.payload, { publisherPriority: v.priority });
        continue;
      }
      const stream = await connection.openSubgroup(alias, BigInt(group), BigInt(subgroup), {
        publisherPriority: first.priority,
        hasExtensions: track === "gaps",
        endOfGroup: subgroup === lastSubgroup(track),
        ...(draft === 18 ? { firstObject: true } : {}),
      });
      for (const v of mine) await connection.sendObject(stream, BigInt(v.id), v.payload, v.properties);
      await connection.closeSubgroup(stream);
    }
    await pause(200);
  }
}

export type MoqtPeer = typeof peer;
declare global {
  interface Window {
    moqt: MoqtPeer;
  }
}
window.moqt = peer;
