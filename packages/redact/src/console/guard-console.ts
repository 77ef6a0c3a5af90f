import { inspect } from 'node:util';
import type { Redactor } from '../redactor.js';
import { insideOf } from '../redactor-inside.js';
import { maskedArguments } from './masked-arguments.js';
import { wrapMethod } from './wrap-method.js';

const FORMATTING = ['log', 'info', 'warn', 'error', 'debug', 'trace', 'dirxml', 'group', 'groupCollapsed'];
/** Those whose first argument is a condition or the name of a timer. */
const FORMATTING_THE_REST = ['assert', 'timeLog'];

/**
 * Masks what is given to a console from now on, before it is formatted: in objects also by key and path.
 *
 * Unlike `guardStdio` this reaches the inspector and a `new Console(stream)`, and sees the keys of objects; what is
 * written without the console passes. Returns an undo.
 *
 * @throws SecretsError `invalid-config` for anything that `createRedactor` did not make
 */
export function guardConsole(redactor: Redactor, console: Console = globalThis.console): () => void {
  const mask = maskedArguments(redactor, 'console');
  const { maskedOrSame } = insideOf(redactor);
  const undos = [
    ...FORMATTING.map((name) =>
      wrapMethod(
        console,
        name,
        (original) =>
          (...args) =>
            original.call(console, ...mask(args)),
      ),
    ),
    ...FORMATTING_THE_REST.map((name) =>
      wrapMethod(
        console,
        name,
        (original) =>
          (first, ...rest) =>
            original.call(console, first, ...(rest.length === 0 ? rest : mask(rest))),
      ),
    ),
    // The table that it draws goes through `log`.
    wrapMethod(
      console,
      'table',
      (original) =>
        (data, ...columns) =>
          original.call(console, maskedOrSame(data, 'console'), ...columns),
    ),
    wrapMethod(console, 'dir', (original) => (value, options, ...rest) => {
      const masked = maskedOrSame(value, 'console');
      // It has no format, and its options say how much is shown.
      const text = inspect(masked, { customInspect: false, ...(options as object | undefined) });
      const shown = redactor.redact(text, 'console');
      return shown === text ? original.call(console, masked, options, ...rest) : console.log('%s', shown);
    }),
  ];
  return () => {
    for (const undo of undos) undo();
  };
}
