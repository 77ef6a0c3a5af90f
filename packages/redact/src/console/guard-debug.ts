import type { Redactor } from '../redactor.js';
import { insideOf } from '../redactor-inside.js';
import { maskedArguments } from './masked-arguments.js';
import { wrapMethod } from './wrap-method.js';

/** The package `debug`, as far as it is guarded. */
export interface DebugModule {
  readonly formatArgs: unknown;
  readonly formatters: object;
}

/**
 * Masks what the package `debug` prints from now on, in all namespaces and wherever their `log` writes.
 *
 * A dependency may have a copy of `debug` of its own: guard each, or guard stderr with `guardStdio`. Returns an undo.
 *
 * @throws SecretsError `invalid-config` for anything that `createRedactor` did not make
 */
export function guardDebug(redactor: Redactor, debug: DebugModule): () => void {
  const { maskedOrSame } = insideOf(redactor);
  const mask = maskedArguments(redactor, 'debug');
  const undos = [
    // %o and %O make texts of objects before anything else sees them.
    ...Object.keys(debug.formatters).map((letter) =>
      wrapMethod(
        debug.formatters,
        letter,
        (original) =>
          function (value) {
            return original.call(this, maskedOrSame(value, 'debug'));
          },
      ),
    ),
    // The last step before the `log` of the namespace or of the module. It changes the list that it is given.
    wrapMethod(
      debug,
      'formatArgs',
      (original) =>
        function (args) {
          original.call(this, args);
          const list = args as unknown[];
          list.splice(0, list.length, ...mask(list));
        },
    ),
  ];
  return () => {
    for (const undo of undos) undo();
  };
}
