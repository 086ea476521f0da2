// Child processes that do not outlive the test, and whose output is at hand
// when something fails.

import { spawn, type ChildProcess } from "node:child_process";

/** How a process ended. */
export interface Exit {
  readonly code: number | null;
  readonly signal: NodeJS.Signals | null;
}

/** Characters of output kept of a process. */
const KEEP_OUTPUT = 200_000;

const living = new Set<Child>();
process.once("exit", () => living.forEach((c) => c.signal("SIGKILL")));
for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"] as const) process.once(signal, () => process.exit(1));

/** A process started here. */
export class Child {
  readonly exited: Promise<Exit>;
  private text = "";
  private readonly process: ChildProcess;
  private done: Exit | undefined;

  /** name: for reports. A program that cannot be started "exits" with code 127. */
  constructor(
    readonly name: string,
    command: string,
    args: readonly string[],
    env: Readonly<Record<string, string>> = {},
  ) {
    this.process = spawn(command, args, { stdio: ["pipe", "pipe", "pipe"], env: { ...process.env, ...env } });
    this.process.stdin?.on("error", () => undefined); // it may end before it reads
    living.add(this);
    const keep = (b: Buffer): void => {
      this.text = (this.text + b.toString()).slice(-KEEP_OUTPUT);
    };
    this.process.stdout?.on("data", keep);
    this.process.stderr?.on("data", keep);
    this.exited = new Promise((resolve) => {
      const end = (exit: Exit): void => {
        living.delete(this);
        this.done ??= exit;
        resolve(this.done);
      };
      this.process.once("error", (e) => {
        this.text += `${e.message}\n`;
        end({ code: 127, signal: null });
      });
      this.process.once("close", (code, signal) => end({ code, signal }));
    });
  }

  get pid(): number {
    if (this.process.pid === undefined) throw new Error(`${this.name} was not started: ${this.text}`);
    return this.process.pid;
  }

  /** What it wrote, both streams, the newest part of it. */
  get output(): string {
    return this.text;
  }

  /** How it ended; undefined while it runs. */
  get exit(): Exit | undefined {
    return this.done;
  }

  /** Types on its keyboard. */
  type(text: string): void {
    this.process.stdin?.write(text);
  }

  signal(signal: NodeJS.Signals): void {
    if (this.done === undefined) this.process.kill(signal);
  }

  /** Ends it: with the signal, or by force when that takes longer than `withinMs`. */
  async stop(signal: NodeJS.Signals = "SIGTERM", withinMs = 8000): Promise<Exit> {
    this.signal(signal);
    this.signal("SIGCONT"); // one that was stopped acts on a signal when it goes on
    const force = setTimeout(() => this.signal("SIGKILL"), withinMs);
    const exit = await this.exited;
    clearTimeout(force);
    return exit;
  }
}

/** The last lines that children wrote, for reports of failures. */
export function outputs(children: readonly (Child | undefined)[], lines = 40): string {
  return children
    .filter((c) => c !== undefined)
    .map((c) => {
      const end = c.exit === undefined ? "running" : `ended with ${c.exit.signal ?? c.exit.code}`;
      return `--- ${c.name}, ${end}\n${c.output.split("\n").slice(-lines).join("\n")}`;
    })
    .join("\n");
}
