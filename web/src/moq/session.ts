import { MoqError } from "./errors.ts";
import type { FetchEnd, Location, NamespaceHandler, SessionOptions, SessionStats, SubscribeOptions, Subscription, TrackHandler, TrackName } from "./types.ts";

/** A session with a relay over WebTransport. */
export class MoqSession {
  /** Protocol in use, "moqt-18". */
  readonly protocol: string = "";
  /** True if the browser did not tell the negotiated protocol, so that protocol is an assumption. */
  readonly protocolAssumed: boolean = false;

  static connect(_o: SessionOptions): Promise<MoqSession> {
    return Promise.reject(new MoqError("transport", 0, "not connected"));
  }
  subscribe(_track: TrackName, _o: SubscribeOptions, _h: TrackHandler): Promise<Subscription> {
    return Promise.reject(new MoqError("transport", 0, "not connected"));
  }
  fetch(_track: TrackName, _start: Location, _end: FetchEnd, _h: TrackHandler): Promise<void> {
    return Promise.reject(new MoqError("transport", 0, "not connected"));
  }
  subscribeNamespace(_prefix: string[], _on: NamespaceHandler): { close(): void } {
    return { close() {} };
  }
  stats(): SessionStats {
    return { bytesReceived: 0 };
  }
  close(_code?: number, _reason?: string): void {}
}
