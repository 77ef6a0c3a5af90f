import { AsyncLocalStorage, createHook } from 'node:async_hooks';

/** A handle of the event loop. */
interface Handle {
  hasRef?(): boolean;
}

/** The kinds of handle that a watch may forget to let go of: timers, and watchers of files. */
const WATCHED = /^(?:Timeout|FSEVENTWRAP|STATWATCHER)$/;

/**
 * Runs `body`, and tells it at any moment how many of the timers and file watchers that it has started keep the
 * process alive. What others in the process start meanwhile does not count.
 */
export async function heldBy<T>(body: (held: () => number) => Promise<T>): Promise<T> {
  const scope = new AsyncLocalStorage<object>();
  const own = {};
  const handles: Handle[] = [];
  const hook = createHook({
    init(_id, type, _trigger, handle: Handle) {
      if (WATCHED.test(type) && scope.getStore() === own) handles.push(handle);
    },
  });
  hook.enable();
  try {
    return await scope.run(own, () => body(() => handles.filter((handle) => handle.hasRef?.()).length));
  } finally {
    hook.disable();
  }
}
