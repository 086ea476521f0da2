// Whether the connection still lives. A server that vanished takes WebTransport
// up to half a minute to notice; but a live broadcast is never silent, its
// catalog alone comes every second. So silence while the broadcast is announced
// means: try another connection beside the old one.

/** Silence (ms) before the first suspicion. */
const SILENCE_MS = 2000;
/** Suspicions that prove wrong make the next one wait longer, up to this (ms). */
const MAX_SILENCE_MS = 16_000;

/** Times in milliseconds of any one clock. Not thread safe. */
export class Liveness {
  private heardAt: number | undefined;
  private patience = SILENCE_MS;
  private suspectedAt = -Infinity;

  /** Bytes came. */
  heard(now: number): void {
    this.heardAt = now;
    this.patience = SILENCE_MS;
  }

  /** Starts to listen, on a connection that was just established. */
  begin(now: number): void {
    this.heardAt = now;
  }

  /** Nothing is expected: not connected, or the broadcast is not live. */
  stop(): void {
    this.heardAt = undefined;
    this.patience = SILENCE_MS;
  }

  /**
   * True once for every silence that is long enough to doubt the connection.
   * Each further doubt about the same silence takes twice as long.
   */
  suspect(now: number): boolean {
    if (this.heardAt === undefined) return false;
    if (now - Math.max(this.heardAt, this.suspectedAt) < this.patience) return false;
    this.suspectedAt = now;
    this.patience = Math.min(MAX_SILENCE_MS, this.patience * 2);
    return true;
  }

  /** Milliseconds of silence; 0 while none is measured. */
  silentFor(now: number): number {
    return this.heardAt === undefined ? 0 : now - this.heardAt;
  }
}
