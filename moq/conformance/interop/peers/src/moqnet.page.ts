// In the page: @moq/net, as subscriber and as publisher.

import { Broadcast, Connection, Path, Time } from "@moq/net";
import { groupOf, integersOf, Tally, type TrackName } from "./pattern.ts";
import { heardBytes, TappedWebTransport, type Heard } from "./tap.ts";
import type { Outcome } from "./report.ts";

// The package makes its WebTransport itself.
window.WebTransport = TappedWebTransport;

let connection: Connection.Established;
let draft = 0;

const pause = (ms: number): Promise<void> => new Promise((r) => setTimeout(r, ms));

/** Rejects when a promise takes too long, as their subscriptions wait for ever. */
function within<T>(ms: number, what: string, p: Promise<T>): Promise<T> {
  return Promise.race([p, pause(ms).then(() => Promise.reject(new Error(`not within ${ms} ms: ${what}`)))]);
}

function outcome(t: Tally): Outcome {
  return { run: t.run(), problems: t.problems };
}

const peer = {
  /** Connects, offering the given tokens, or its own when there are none. Returns what it calls the version. */
  async connect(o: { url: string; fingerprint: string; draft: number; protocols?: string[] }): Promise<string> {
    draft = o.draft;
    connection = await within(10_000, "SETUP", Connection.connect(new URL(o.url), {
      websocket: { enabled: false },
      webtransport: {
        serverCertificateHashes: [{ value: o.fingerprint }],
        ...(o.protocols ? { protocols: o.protocols } : {}),
      } as NonNullable<Connection.ConnectProps["webtransport"]>,
    }));
    return connection.version;
  },

  /** The first broadcast announced below a prefix. */
  async announced(prefix: string): Promise<string> {
    const stream = connection.announced(Path.from(prefix));
    const event = await within(5000, "an announcement", stream.next());
    return event ? `${prefix}/${event.path}` : "";
  },

  async subscribe(o: { namespace: string; track: TrackName; groups: number }): Promise<Outcome> {
    const t = new Tally(o.track, integersOf(draft));
    const sub = connection.consume(Path.from(o.namespace)).track(o.track).subscribe();
    const readGroups = async (): Promise<void> => {
      while (t.run().length < o.groups) {
        const group = await sub.recvGroup();
        if (group === undefined) throw new Error(`the track ended: ${String(sub.closed.peek())}`);
        for (let f = await group.readFrameSequence(); f !== undefined; f = await group.readFrameSequence()) {
          t.take({ group: group.sequence, id: f.sequence, payload: f.payload });
        }
      }
    };
    await within(10_000, `${o.groups} groups of ${o.track}, ${t.run().length} came`, readGroups());
    sub.close();
    return outcome(t);
  },

  /** Fetches one group. */
  async fetch(o: { namespace: string; track: TrackName; group: number }): Promise<Outcome> {
    const t = new Tally(o.track, integersOf(draft));
    const fetchOne = async (): Promise<void> => {
      const group = await connection.consume(Path.from(o.namespace)).track(o.track).fetchGroup(o.group);
      for (let f = await group.readFrameSequence(); f !== undefined; f = await group.readFrameSequence()) {
        t.take({ group: group.sequence, id: f.sequence, payload: f.payload });
      }
    };
    await within(5000, "the group", fetchOne());
    return outcome(t);
  },

  /** Publishes the track plain, a group every 200 ms, until the page closes. */
  publish(namespace: string): void {
    const broadcast = new Broadcast.Producer();
    const track = broadcast.createTrack("plain");
    connection.publish(Path.from(namespace), broadcast);
    void (async () => {
      for (let n = 0; ; n++, await pause(200)) {
        const group = track.appendGroup();
        for (const o of groupOf("plain", n, integersOf(draft))) group.writeFrame({ payload: o.payload, timestamp: Time.Timestamp.now() });
        group.close();
      }
    })();
  },

  heard: (): Heard[] => heardBytes(),
};

export type MoqNetPeer = typeof peer;
declare global {
  interface Window {
    moqnet: MoqNetPeer;
  }
}
window.moqnet = peer;
