import type { Redactor } from '../redactor.js';
import { insideOf } from '../redactor-inside.js';

/**
 * For adapters: fails when they are set up, rather than at the first request.
 *
 * @throws SecretsError `invalid-config` for a redactor that `createRedactor` did not make
 */
export function checkRedactor(redactor: Redactor): void {
  insideOf(redactor);
}
