import { subscribe, unsubscribe } from 'node:diagnostics_channel';
import { EVENT_NAMES } from '../../diagnostics.js';

/** Is given everything that comes by, and where it came by. */
export type Hearer = (heard: unknown, where: string) => void;

const CONSOLE_METHODS = [
  'log',
  'info',
  'warn',
  'error',
  'debug',
  'trace',
  'dir',
  'dirxml',
  'table',
  'group',
  'groupCollapsed',
  'assert',
] as const;

/** Longer than any form of any canary, in characters. */
const TAIL_LENGTH = 4_096;

/**
 * Listens in on everything by which a process speaks: the console, what it writes to stdout and stderr, process
 * warnings, and the `keyturn.*` diagnostics channels. All of it goes on to where it was going.
 *
 * @returns what puts everything back as it was; idempotent
 */
export function tapProcess(hear: Hearer): () => void {
  const hearAll = (said: readonly unknown[], where: string) => {
    for (const each of said) hear(each, where);
  };
  const undo = [
    ...CONSOLE_METHODS.map((method) =>
      tapMethod(console, method, (said) => hearAll(said, `console.${method}`)),
    ),
    tapMethod(
      process.stdout,
      'write',
      joined((text) => hear(text, 'stdout')),
    ),
    tapMethod(
      process.stderr,
      'write',
      joined((text) => hear(text, 'stderr')),
    ),
    tapMethod(process, 'emitWarning', (said) => hearAll(said, 'a process warning')),
    tapWarnings(hear),
    ...EVENT_NAMES.map((event) => tapChannel(`keyturn.${event}`, hear)),
  ];
  return () => {
    for (const restore of undo.splice(0).reverse()) restore();
  };
}

function tapMethod<Name extends string>(
  owner: Readonly<Record<Name, unknown>>,
  name: Name,
  heard: (said: readonly unknown[]) => void,
): () => void {
  const original = owner[name];
  const own = Object.getOwnPropertyDescriptor(owner, name);
  if (typeof original !== 'function') return () => {};
  Object.defineProperty(owner, name, {
    configurable: true,
    enumerable: own?.enumerable ?? true,
    writable: true,
    value(this: unknown, ...said: unknown[]) {
      heard(said);
      return Reflect.apply(original, this, said);
    },
  });
  return () => {
    if (own === undefined) Reflect.deleteProperty(owner, name);
    else Object.defineProperty(owner, name, own);
  };
}

/** A value may be cut in two by two writes: each is heard together with the end of what came before it. */
function joined(hear: (text: string) => void): (said: readonly unknown[]) => void {
  let tail = '';
  return ([chunk]) => {
    if (typeof chunk !== 'string' && !(chunk instanceof Uint8Array)) return;
    const text = tail + (typeof chunk === 'string' ? chunk : Buffer.from(chunk).toString());
    tail = text.slice(-TAIL_LENGTH);
    hear(text);
  };
}

/** Warnings that Node gives itself do not pass through `process.emitWarning`. */
function tapWarnings(hear: Hearer): () => void {
  const onWarning = (warning: Error) => hear(warning, 'a process warning');
  process.on('warning', onWarning);
  return () => void process.off('warning', onWarning);
}

function tapChannel(name: string, hear: Hearer): () => void {
  const onEvent = (payload: unknown) => hear(payload, `the channel ${name}`);
  subscribe(name, onEvent);
  return () => void unsubscribe(name, onEvent);
}
