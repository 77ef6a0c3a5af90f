import { AsyncLocalStorage, createHook } from 'node:async_hooks';

/** A handle of the event loop. */
interface Handle {
  hasRef?(): boolean;
}

/** The kinds of handle that a watch may forget to let go of: timers, and watchers of files. */
const WATCHED = /^(?:Timeout|FSEVENTWRAP|STATWATCHER)$/;

/**
 * Runs `start`, then `look`, which can ask at any moment how many of the timers and file watchers that began in
 * `start`, or by what it set going, keep the process alive. What others in the process begin does not count.
 */
export async function heldBy<Started>(
  start: () => Promise<Started>,
  look: (started: Started, held: () => number) => Promise<void>,
): Promise<void> {
  const scope = new AsyncLocalStorage<object>();
  const own = {};
  const handles = new Map<number, Handle>();
  const hook = createHook({
    init(id, type, _trigger, handle: Handle) {
      if (WATCHED.test(type) && scope.getStore() === own) handles.set(id, handle);
    },
    // A timer that has fired still says that it holds.
    destroy: (id) => void handles.delete(id),
  });
  hook.enable();
  try {
    const started = await scope.run(own, start);
    await look(started, () => [...handles.values()].filter((handle) => handle.hasRef?.()).length);
  } finally {
    hook.disable();
  }
}
