// github.com/Eyevinn/moqtransport: its tests are in Go, here they become rows.

import { execFile } from "node:child_process";
import { promisify } from "node:util";
import { MODULE } from "../../../../../web/test/e2e/nodes.ts";
import type { Row } from "./report.ts";

const PACKAGE = "github.com/Eyevinn/moqtransport";

/** What the tests prove, and whether it is that something fails on their side. */
const TESTS: Record<string, { name: string; fault?: string }> = {
  TestEyevinnSubscribes: { name: "subscribe: plain; subgroups, gaps" },
  TestEyevinnPublishes: { name: "publish: plain; subgroups, gaps; datagrams" },
  TestEyevinnProperties: { name: "publish: properties", fault: "does not write the types of properties as deltas" },
  TestEyevinnDatagrams: { name: "subscribe: datagrams", fault: "does not know DEFAULT_PRIORITY of datagrams" },
  TestEyevinnFetches: { name: "FETCH", fault: "writes FETCH of draft 14" },
  TestEyevinnIsFetchedFrom: { name: "publish: FETCH by our relay", fault: "reads FETCH of draft 14 and then no request any more" },
  TestEyevinnListsNamespaces: { name: "list namespaces", fault: "writes SUBSCRIBE_NAMESPACE of draft 14" },
};

interface Event {
  readonly Action: string;
  readonly Test?: string;
  readonly Output?: string;
}

export async function eyevinnCases(tell: (t: string) => void): Promise<Row[]> {
  const version = (await promisify(execFile)("go", ["list", "-m", "-f", "{{.Version}}", PACKAGE], { cwd: MODULE })).stdout.trim();
  const run = promisify(execFile)("go", ["test", "-count=1", "-timeout", "5m", "-json", "./moq/conformance/interop"], { cwd: MODULE, maxBuffer: 1 << 26 });
  // It rejects when a test fails; what it wrote tells which.
  const { stdout } = await run.catch((e: { stdout: string }) => e);
  const events = stdout.split("\n").filter((l) => l.startsWith("{")).map((l) => JSON.parse(l) as Event);
  const rows: Row[] = [];
  for (const { Action: action, Test: test } of events) {
    if (test === undefined || (action !== "pass" && action !== "fail")) continue;
    if (events.some((e) => e.Test?.startsWith(`${test}/`))) continue; // its parts are rows
    const [top = "", part = "quic"] = test.split("/");
    const known = TESTS[top];
    if (known === undefined) throw new Error(`what does ${top} prove?`);
    const ours = /moqt-(\d+)/.exec(part)?.[1];
    const output = events.filter((e) => e.Test === test).map((e) => e.Output ?? "").join("").trim();
    rows.push({
      peer: "Eyevinn/moqtransport", version, draft: "16", transport: part.startsWith("quic") ? "QUIC" : "WebTransport",
      name: known.name + (ours === undefined ? "" : `, ours on ${ours}`),
      result: action === "fail" ? "FAILED" : known.fault ? "their fault" : "works",
      detail: action === "fail" ? output.slice(0, 600) : (known.fault ?? ""),
    });
    if (action === "fail") tell(output);
  }
  if (rows.length === 0) throw new Error(`no test ran: ${stdout.slice(-2000)}`);
  return rows;
}
