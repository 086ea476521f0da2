// Runs cases and makes rows of them.

import type { Outcome, Row } from "./report.ts";

/** A case that takes longer hangs, ms. */
const CASE_MS = 45_000;

/** Why a case fails on the peer's side. The case must then fail with just that. */
export interface Known {
  /** For the table; INTEROP.md tells the whole story. */
  readonly why: string;
  /** What the error must say. */
  readonly error: RegExp;
}

/** Whom a suite is about. */
export interface Peer {
  readonly peer: string;
  readonly version: string;
  readonly transport: string;
}

export class Suite {
  readonly rows: Row[] = [];

  constructor(
    private readonly who: Peer,
    /** Called with the case and its evidence when it failed. */
    private readonly tell: (text: string) => void,
  ) {}

  /**
   * Runs one case. Its result is a remark for the table. With `known`, success
   * is a failure too: it means that INTEROP.md is out of date.
   */
  async run(draft: string, name: string, body: () => Promise<string>, known?: Known, evidence?: () => Promise<string>): Promise<void> {
    const add = (result: Row["result"], detail: string): void => {
      const row = { ...this.who, draft, name, result, detail };
      this.rows.push(row);
      this.tell(`${result === "FAILED" ? "FAILED" : "ok"}: ${row.peer} ${row.version}, ${draft}, ${name}: ${result} ${detail}`);
    };
    try {
      const remark = await within(CASE_MS, body());
      if (known === undefined) add("works", remark);
      else add("FAILED", `it works now, contrary to INTEROP.md: ${known.why}`);
    } catch (e) {
      const message = e instanceof Error ? e.message : String(e);
      if (known?.error.test(message)) {
        add("their fault", known.why);
      } else {
        add("FAILED", message.slice(0, 600));
      }
      if (evidence !== undefined) this.tell(await evidence().catch((e: unknown) => `no evidence: ${String(e)}`));
    }
  }
}

/** Rejects what takes too long: pages wait for ever. */
function within<T>(ms: number, p: Promise<T>): Promise<T> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<never>((_, reject) => {
    timer = setTimeout(() => reject(new Error(`not within ${ms} ms`)), ms);
  });
  return Promise.race([p, late]).finally(() => clearTimeout(timer));
}

/** Rejects unless `groups` whole groups in a row came just as published. */
export function whole(o: Outcome, groups: number): string {
  if (o.problems.length > 0) throw new Error(o.problems.slice(0, 3).join("; "));
  if (o.run.length < groups) throw new Error(`${o.run.length} whole groups, want ${groups}`);
  return o.note ?? "";
}
