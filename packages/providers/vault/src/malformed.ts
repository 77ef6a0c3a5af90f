import { SecretsError } from '@keyturn/core/provider';

/** The error for an answer to a read that holds no secret that could be used. `problem` goes on from “The answer”. */
export function malformed(problem: string, remedy: string): SecretsError {
  return new SecretsError('bad-response', { problem: `The answer ${problem}.`, remedy });
}
