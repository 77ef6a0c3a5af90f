/** What a process holds more, in bytes. */
export interface Held {
  /** Of the JavaScript heap. */
  readonly heap: number;
  /** Outside it, as far as the engine knows: the bytes of Buffers. */
  readonly outside: number;
}

/** What the process holds more while it holds what `make` makes: after a full collection each, with `--expose-gc`. */
export async function heldBy(make: () => unknown): Promise<Held> {
  const before = await settled();
  const made = [await make()];
  const after = await settled();
  // It must still be reachable here.
  made.length = 0;
  return { heap: after.heapUsed - before.heapUsed, outside: after.external - before.external };
}

async function settled(): Promise<NodeJS.MemoryUsage> {
  if (globalThis.gc === undefined) throw new Error('Run it with --expose-gc, as npm run bench does.');
  for (let pass = 0; pass < 3; pass++) {
    // What finished promises still hold goes with the turn of the loop.
    await new Promise(setImmediate);
    globalThis.gc();
  }
  return process.memoryUsage();
}
