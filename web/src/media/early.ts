// A media track that is subscribed to before the catalog has named it, which saves
// a round trip when the guess is right: what comes is kept until somebody claims it.

import type { Subscription, TrackHandler } from "../moq/index.ts";
import type { LinkSession } from "./link.ts";

/** Objects kept at most: a group of seconds. With more, the catalog is late, and the track is asked for again. */
const MAX_KEPT = 1000;

/** Claim it or close it; not thread safe. */
export class EarlyTrack {
  private readonly kept: ((h: TrackHandler) => void)[] = [];
  private handler: TrackHandler | undefined;
  private subscription: Subscription | undefined;
  private over = false;
  /** What was kept is handed over now: the start delayed it, not only the network. */
  replaying = false;
  private readonly answer: Promise<Subscription>;

  constructor(
    session: LinkSession,
    readonly name: string,
    track: { namespace: string[]; name: string },
    options: { joinGroups: number; priority: number; joinPriority: number },
  ) {
    this.answer = session.subscribe(track, options, {
      onObject: (o) => this.tell((h) => h.onObject(o)),
      onGroupEnd: (group, complete) => this.tell((h) => h.onGroupEnd?.(group, complete)),
      onDone: (code, reason) => this.tell((h) => h.onDone(code, reason)),
      onGoaway: (uri, timeoutMs) => this.tell((h) => h.onGoaway?.(uri, timeoutMs)),
    });
    this.answer.then(
      (s) => {
        this.subscription = s;
        if (this.over) s.close();
      },
      () => (this.over = true),
    );
  }

  /** It was refused, given up or closed: there is nothing to claim. */
  get useless(): boolean {
    return this.over;
  }

  /** Hands it over: `accepted` is called before `handler` gets what came, or else `refused`. */
  claim(handler: TrackHandler, accepted: (s: Subscription) => void, refused: (e: unknown) => void): void {
    this.answer.then((s) => {
      accepted(s);
      this.handler = handler;
      this.replaying = true;
      for (const call of this.kept.splice(0)) call(handler);
      this.replaying = false;
    }, refused);
  }

  /** Nobody wants it. */
  close(): void {
    if (this.over) return;
    this.over = true;
    this.kept.length = 0;
    this.subscription?.close();
  }

  private tell(call: (h: TrackHandler) => void): void {
    if (this.handler !== undefined) call(this.handler);
    else if (this.kept.length < MAX_KEPT) this.kept.push(call);
    else this.close();
  }
}
