import { SecretsError } from '../errors/secrets-error.js';

/** A length of time in configuration: milliseconds, or a number with a unit, such as `'250ms'`, `'5m'`, `'1.5h'`. */
export type Duration = number | `${number}${'ms' | 's' | 'm' | 'h' | 'd'}`;

const UNIT_MS = { ms: 1, s: 1_000, m: 60_000, h: 3_600_000, d: 86_400_000 } as const;
const PATTERN = /^(\d+(?:\.\d+)?)(ms|s|m|h|d)$/;

/**
 * The milliseconds in `duration`.
 *
 * @param setting what the message names when the duration makes no sense
 * @throws SecretsError `invalid-config` for anything but a finite, non-negative number or a number with a unit
 */
export function durationMs(duration: Duration, setting: string): number {
  if (typeof duration === 'number' && Number.isFinite(duration) && duration >= 0) return duration;
  const match = typeof duration === 'string' ? PATTERN.exec(duration) : null;
  const lengthMs = match === null ? Number.NaN : Number(match[1]) * UNIT_MS[match[2] as keyof typeof UNIT_MS];
  if (!Number.isFinite(lengthMs)) {
    throw new SecretsError('invalid-config', {
      problem: `The setting ${setting} is not a duration.`,
      remedy: `Give ${setting} as milliseconds or as a number with a unit, such as '5m' (ms, s, m, h, d).`,
    });
  }
  return lengthMs;
}
