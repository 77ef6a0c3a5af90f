const UNIT_SECONDS: Readonly<Record<string, number>> = {
  ns: 1e-9,
  us: 1e-6,
  µs: 1e-6,
  ms: 1e-3,
  s: 1,
  m: 60,
  h: 3_600,
  d: 86_400,
};
const TERM = /(\d+(?:\.\d*)?|\.\d+)(ns|us|µs|ms|s|m|h|d)/gy;

/** Why a text is not a duration, in the server's words. */
export class DurationError extends Error {}

/**
 * The seconds in a duration as the API takes it: a number of seconds, `"90"`, `"1h30m"`, `"250ms"`, `"2d"`.
 *
 * @throws DurationError in the words of the server: `time: invalid duration "zz"`
 */
export function durationSeconds(value: unknown): number {
  if (typeof value === 'number') return value;
  if (typeof value !== 'string') throw new DurationError('could not parse duration from input');
  const text = value.trim();
  if (text === '') return 0;
  if (/^[+-]?\d+$/.test(text)) return Number(text);

  const sign = text.startsWith('-') ? -1 : 1;
  const terms = text.replace(/^[+-]/, '');
  let seconds = 0;
  TERM.lastIndex = 0;
  while (TERM.lastIndex < terms.length) {
    const term = TERM.exec(terms);
    if (term === null) throw new DurationError(`time: invalid duration "${text}"`);
    seconds += Number(term[1]) * (UNIT_SECONDS[term[2] as string] as number);
  }
  return terms === '' ? 0 : sign * seconds;
}

/** A duration in Go's full form: `1h0m0s`, `1m30s`, `0s`. */
export function goDuration(seconds: number): string {
  const sign = seconds < 0 ? '-' : '';
  const total = Math.abs(seconds);
  const hours = Math.floor(total / 3_600);
  const minutes = Math.floor((total % 3_600) / 60);
  const rest = `${Number((total % 60).toFixed(9))}s`;
  if (hours > 0) return `${sign}${hours}h${minutes}m${rest}`;
  if (minutes > 0) return `${sign}${minutes}m${rest}`;
  return `${sign}${rest}`;
}

/** A duration without its empty parts, as warnings about a ttl print it: `1h`, `1m30s`, `768h`. */
export function shortDuration(seconds: number): string {
  return goDuration(seconds)
    .replace(/(?<=m)0s$/, '')
    .replace(/(?<=h)0m/, '');
}
