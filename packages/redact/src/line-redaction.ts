import { SecretsError } from '@keyturn/core/provider';
import type { Redactor } from './redactor.js';

const MASK = '[REDACTED';
const IN_NUMBERS = new Set('0123456789+-.eE');
/** What is kept of a line that cannot be shown: it says what happened when, and how bad it was. */
const KEPT = ['level', 'time', 'timestamp'];

/**
 * Masks finished log lines: a line that is JSON is still JSON, and one line, afterwards.
 *
 * A mask in place of a number gets quotes. Where a mask would tear the line apart, because a value is made of
 * what stands between two fields, only its level and its time remain.
 *
 * @param sink names the place for `Hit.sink`
 * @throws SecretsError `invalid-config` for something that is not a redactor
 */
export function lineRedaction(redactor: Redactor, sink: string): (line: string) => string {
  if (typeof redactor?.redact !== 'function') {
    throw new SecretsError('invalid-config', {
      problem: 'The first argument is not a redactor.',
      remedy: 'Pass what createRedactor() of @keyturn/redact returned.',
    });
  }
  return (line) => {
    const masked = redactor.redact(line, sink);
    if (masked === line || isJson(masked) || !isJson(line)) return masked;
    const quoted = quoteBareMasks(masked);
    return isJson(quoted) ? quoted : remainder(redactor, line);
  };
}

/** Quotes each number in which a mask stands: a mask outside of the strings of JSON can be nothing else. */
function quoteBareMasks(text: string): string {
  let quoted = '';
  let done = 0;
  let inString = false;
  for (let at = 0; at < text.length; at++) {
    if (inString && text[at] === '\\') at++;
    else if (text[at] === '"') inString = !inString;
    else if (!inString && text.startsWith(MASK, at)) {
      let start = at;
      while (start > done && IN_NUMBERS.has(text[start - 1] as string)) start--;
      const end = endOfNumber(text, at);
      quoted += `${text.slice(done, start)}"${text.slice(start, end)}"`;
      done = end;
      at = end - 1;
    }
  }
  return quoted + text.slice(done);
}

function endOfNumber(text: string, start: number): number {
  let end = start;
  for (;;) {
    if (text.startsWith(MASK, end)) end = text.indexOf(']', end) + 1 || text.length;
    else if (IN_NUMBERS.has(text[end] ?? '')) end++;
    else return end;
  }
}

function remainder(redactor: Redactor, line: string): string {
  const end = line.slice(line.trimEnd().length);
  // By their values alone: what a client sent as its password may be made of the names and signs around them.
  const isPlain = (value: unknown) => redactor.redact(String(value)) === String(value);
  const fields = Object.entries(JSON.parse(line)).filter(
    ([name, value]) => KEPT.includes(name) && isPlain(value),
  );
  return JSON.stringify({ ...Object.fromEntries(fields), msg: '[REDACTED]' }) + end;
}

function isJson(text: string): boolean {
  try {
    JSON.parse(text);
    return true;
  } catch {
    return false;
  }
}
