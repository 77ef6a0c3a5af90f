import type { ErrorFacts, ErrorRow } from './error-row.js';

const where = ({ region }: ErrorFacts) => (region === undefined ? 'that region' : region);

/** Failures of the Parameter Store → what they mean. They are looked through before those of all services. */
export const SERVICE_ERROR_ROWS: readonly ErrorRow[] = [
  {
    when: /^ParameterVersionNotFound(Exception)?$/,
    code: 'not-found',
    problem: ({ subject }) => `${subject} has no such version or label.`,
    remedy: 'Check ?version= and ?stage=; the store keeps the last hundred versions.',
  },
  {
    when: /^ParameterNotFound(Exception)?$/,
    code: 'not-found',
    problem: (facts) => `There is no parameter ${facts.subject} in ${where(facts)}.`,
    remedy: 'Check the name and the setting region; prod/db in a reference is the parameter /prod/db.',
  },
  {
    when: /^InvalidKeyId(Exception)?$/,
    code: 'permission-denied',
    problem: ({ subject }) =>
      `${subject} cannot be decrypted: its key is disabled, gone, or of another region.`,
    remedy: 'Check that the key is enabled and not about to be deleted, and allow kms:Decrypt on it.',
  },
];
