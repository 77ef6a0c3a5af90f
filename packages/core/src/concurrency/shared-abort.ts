import { setMaxListeners } from 'node:events';

/**
 * An AbortController whose signal any number may listen to at once. Node takes the eleventh listener for a leak
 * and warns; here each one is removed by whoever added it.
 */
export function sharedAbort(): AbortController {
  const controller = new AbortController();
  setMaxListeners(0, controller.signal);
  return controller;
}
