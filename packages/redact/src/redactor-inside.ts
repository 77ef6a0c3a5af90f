import { SecretsError } from '@keyturn/core/provider';
import type { KeyTest } from './keys/sensitive-keys.js';
import type { Outward } from './outward.js';
import type { Redactor, RedactorClock } from './redactor.js';
import type { ValueScopes } from './request/value-scope.js';
import type { Span } from './span.js';
import type { HeldText } from './stream/held-text.js';

/** What the rest of this package may use of a redactor and nobody else. */
export interface RedactorInside {
  readonly clock: RedactorClock;
  readonly hold: (sink?: string) => HeldText;
  readonly find: (text: string) => readonly Span[];
  /** Whether it knows no value. */
  readonly isEmpty: () => boolean;
  readonly isSensitive: KeyTest;
  readonly scopes: ValueScopes;
  /** For what leaves for somebody else: registered values, and with `shapes` what looks like a secret. */
  readonly outward: (shapes: boolean) => Outward;
  /** `value` itself if nothing in it must be masked, also not in its bytes; otherwise its masked copy. */
  readonly maskedOrSame: (value: unknown, sink: string) => unknown;
}

/** One for all copies of this version: an application that imports may have dependencies that require. */
const REGISTRY = Symbol.for('@keyturn/redact 0.1 insides');
const shared = globalThis as { [REGISTRY]?: WeakMap<Redactor, RedactorInside> };
shared[REGISTRY] ??= new WeakMap();
const insides = shared[REGISTRY];

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
      problem: 'The redactor was not made by createRedactor of this version of @keyturn/redact.',
      remedy: 'Pass what createRedactor returned; check that only one version of the package is installed.',
    });
  }
  return inside;
}
