// Waiting for conditions, with a deadline instead of luck.

/** A pause, for loops that look again. */
export function pause(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms));
}

/**
 * Asks until the answer is neither undefined nor false, and returns it. Rejects
 * after `withinMs`, with the last error if asking threw.
 */
export async function until<T>(what: string, withinMs: number, ask: () => Promise<T | undefined | false> | T | undefined | false, everyMs = 50): Promise<T> {
  const end = performance.now() + withinMs;
  let last: unknown;
  for (;;) {
    try {
      const answer = await ask();
      if (answer !== undefined && answer !== false) return answer;
      last = undefined;
    } catch (e) {
      last = e;
    }
    if (performance.now() >= end) {
      const why = last instanceof Error ? `: ${last.message}` : "";
      throw new Error(`not within ${withinMs} ms: ${what}${why}`);
    }
    await pause(everyMs);
  }
}
