import type { ErrorFacts, ErrorRow } from './error-row.js';

const where = ({ region }: ErrorFacts) => (region === undefined ? 'that region' : region);

/** Failures of Secrets Manager → what they mean. They are looked through before those of all services. */
export const SERVICE_ERROR_ROWS: readonly ErrorRow[] = [
  {
    when: /^ResourceNotFoundException$/,
    says: /staging label|VersionId|\bversion\b/i,
    code: 'not-found',
    problem: ({ subject }) => `${subject} is there, and has no such version or stage.`,
    remedy: 'Check ?version= and ?stage=; AWSPENDING exists only while a rotation is under way.',
  },
  {
    when: /^ResourceNotFoundException$/,
    code: 'not-found',
    problem: (facts) => `There is no secret ${facts.subject} in ${where(facts)}.`,
    remedy: 'Check the name and the setting region; that of another account is named by its whole ARN.',
  },
  {
    when: /^InvalidRequestException$/,
    says: /delet/i,
    code: 'not-found',
    problem: ({ subject }) => `${subject} is marked for deletion, and cannot be read until it is restored.`,
    remedy: 'Restore it (aws secretsmanager restore-secret), or take the reference out of use.',
  },
  {
    when: /^InvalidRequestException$/,
    code: 'invalid-ref',
    problem: ({ subject }) => `${subject} is in a state in which AWS does not allow this.`,
    remedy:
      'Check that ?version= and ?stage= exist, and who owns the secret (aws secretsmanager describe-secret).',
  },
];
