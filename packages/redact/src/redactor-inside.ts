import { SecretsError } from '@keyturn/core/provider';
import type { Redactor, RedactorClock } from './redactor.js';
import type { Span } from './span.js';
import type { HeldText } from './stream/held-text.js';

/** What the rest of this package may use of a redactor and nobody else. */
export interface RedactorInside {
  readonly clock: RedactorClock;
  readonly hold: (sink?: string) => HeldText;
  readonly find: (text: string) => readonly Span[];
}

const insides = new WeakMap<Redactor, RedactorInside>();

/** Makes the inside of `redactor` known to {@link insideOf}. */
export function exposeInside(redactor: Redactor, inside: RedactorInside): void {
  insides.set(redactor, inside);
}

/**
 * The inside of a redactor.
 *
 * @throws SecretsError `invalid-config` for anything that `createRedactor` did not make
 */
export function insideOf(redactor: Redactor): RedactorInside {
  const inside = insides.get(redactor);
  if (inside === undefined) {
    throw new SecretsError('invalid-config', {
      problem: 'The redactor was not made by createRedactor of this copy of @keyturn/redact.',
      remedy: 'Pass what createRedactor returned; check that the package is installed only once.',
    });
  }
  return inside;
}
