import { format } from 'node:util';
import type { Redactor } from '../redactor.js';
import { insideOf } from '../redactor-inside.js';

/** Masks what is about to be formatted as by `util.format`. Returns the same arguments if there is nothing to mask. */
export type MaskArguments = (args: readonly unknown[]) => readonly unknown[];

/**
 * Masks arguments by key and by value, and once more by what they look like when they are printed: a value that only
 * `util.inspect` shows (of a symbol, a promise, a class that prints itself) makes a text of them all.
 *
 * Objects in which nothing is masked are passed on as they are, so that their classes, colors and functions still
 * show, and an inspector can open them.
 *
 * @throws SecretsError `invalid-config` for anything that `createRedactor` did not make
 */
export function maskedArguments(redactor: Redactor, sink: string): MaskArguments {
  const { maskedOrSame } = insideOf(redactor);
  return (args) => {
    const masked = args.map((argument) => maskedOrSame(argument, sink));
    const text = printed(masked);
    const shown = redactor.redact(text, sink);
    if (shown !== text) return ['%s', shown];
    return masked.some((argument, index) => !Object.is(argument, args[index])) ? masked : args;
  };
}

/** What throws here throws again when it is printed, and there it is for its author to see. */
function printed(args: readonly unknown[]): string {
  try {
    return format(...args);
  } catch {
    return '';
  }
}
