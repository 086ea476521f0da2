// What a case found, and how it is told.

/** Objects that a page received. */
export interface Outcome {
  /** The longest run of whole groups. */
  readonly run: number[];
  /** What was not as published. */
  readonly problems: string[];
  readonly note?: string;
}

/** One thing tried with one peer. */
export interface Row {
  readonly peer: string;
  readonly version: string;
  readonly draft: string;
  readonly transport: string;
  readonly name: string;
  /** "works", "their fault" when it fails just as it is known to, or "FAILED". */
  readonly result: "works" | "their fault" | "FAILED";
  readonly detail: string;
}

/** The rows as a table for people. */
export function table(rows: readonly Row[]): string {
  const head = { peer: "peer", version: "version", draft: "draft", transport: "transport", name: "case", result: "result", detail: "" };
  const keys = ["peer", "version", "draft", "transport", "name", "result"] as const;
  const width = keys.map((k) => Math.max(...[head, ...rows].map((r) => r[k].length)));
  const line = (r: typeof head | Row): string => [...keys.map((k, i) => r[k].padEnd(width[i] ?? 0)), r.detail].join("  ").trimEnd();
  return [head, ...rows].map(line).join("\n");
}
