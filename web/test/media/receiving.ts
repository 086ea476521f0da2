// A Receiver with nothing real around it, for the tests of receiving.

import { Receiver } from "../../src/media/receiver.ts";
import { FakeRelay } from "./fake-relay.ts";
import { FakeTimers } from "./make.ts";

/** A receiver at a fake relay, and what came of it. */
export interface Setup {
  readonly timers: FakeTimers;
  readonly relay: FakeRelay;
  readonly receiver: Receiver;
  /** Conditions as "kind: text", each once in a row. */
  readonly conditions: string[];
  /** Groups of the pictures that came. */
  readonly pictures: number[];
  readonly fingerprints: string[];
  /** Nobody tells the fingerprint any more. */
  untold: boolean;
  /** Lets time pass while the newest session delivers twice per second. */
  playing(ms: number): Promise<void>;
}

export function setup(fingerprint?: string, certificate?: string): Setup {
  const timers = new FakeTimers();
  const relay = new FakeRelay(timers);
  const conditions: string[] = [];
  const pictures: number[] = [];
  const fingerprints: string[] = [];
  const receiver = new Receiver(
    { relay: "https://relay.test:4443/live", name: "cam", fingerprint, certificate },
    {
      timers,
      random: () => 0.999,
      supports: () => Promise.resolve(true),
      connect: (o) => relay.connect(o),
      fingerprints: (url) => {
        fingerprints.push(url);
        return s.untold ? Promise.reject(new Error("nobody answers")) : Promise.resolve([new Uint8Array(32)]);
      },
    },
    {
      condition: (c) => {
        const text = "text" in c ? `${c.kind}: ${c.text}` : c.kind;
        if (conditions[conditions.length - 1] !== text) conditions.push(text);
      },
      selected: () => undefined,
      object: (kind, _track, o) => {
        if (kind === "video") pictures.push(o.group);
      },
      groupEnd: () => undefined,
      joined: () => undefined,
    },
  );
  const playing = async (ms: number): Promise<void> => {
    for (let t = 0; t < ms; t += 500) {
      relay.play();
      await timers.pass(500);
    }
  };
  const s: Setup = { timers, relay, receiver, conditions, pictures, fingerprints, untold: false, playing };
  return s;
}
