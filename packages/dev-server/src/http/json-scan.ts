/** More strings than this (keys count) are refused. */
const MAX_STRINGS = 1_000;
const MAX_DEPTH = 10_000;

/** A body that is not JSON, in the words of the server's own decoder. */
export class JsonError extends Error {}

/** A body that is JSON and too large to be decoded safely. */
export class JsonTooComplex extends Error {}

/**
 * Where the first JSON value in `text` ends, or `undefined` when there is none.
 *
 * `JSON.parse` knows no error texts but V8's, which quote the input: a token or a password. This scanner finds the
 * same errors, says them in the server's words, and quotes one character at most.
 *
 * @throws JsonError, JsonTooComplex
 */
export function scanJson(text: string): number | undefined {
  const start = skipSpace(text, 0);
  if (start === text.length) return undefined;
  const end = scanValue(text, start);
  const rest = skipSpace(text, end);
  if (rest < text.length && !'{["-0123456789tfn'.includes(text[rest] as string)) unexpected(text, rest);
  return end;
}

/** Walks one value with a stack of its own, so that depth is bounded by {@link MAX_DEPTH} and not by the host's. */
function scanValue(text: string, start: number): number {
  const open: ('{' | '[')[] = [];
  const count = { strings: 0 };
  let at = start;
  for (;;) {
    const first = text[at];
    if (first === '{' || first === '[') {
      if (open.length >= MAX_DEPTH) throw new JsonError('exceeded max depth');
      open.push(first);
      at = skipSpace(text, at + 1);
      if (text[at] === closingOf(first)) at = closed(text, at, open);
      else if (first === '[') continue;
      else {
        at = scanKey(text, at, count);
        continue;
      }
    } else {
      at = skipSpace(text, scanScalar(text, at, count));
    }
    for (;;) {
      const container = open.at(-1);
      if (container === undefined) return at;
      if (text[at] === closingOf(container)) {
        at = closed(text, at, open);
        continue;
      }
      if (text[at] !== ',') {
        unexpected(text, at, container === '{' ? 'after object key:value pair' : 'after array element');
      }
      at = skipComma(text, at, closingOf(container));
      if (container === '{') at = scanKey(text, at, count);
      break;
    }
  }
}

function closed(text: string, at: number, open: ('{' | '[')[]): number {
  open.pop();
  return skipSpace(text, at + 1);
}

function closingOf(opening: '{' | '['): '}' | ']' {
  return opening === '{' ? '}' : ']';
}

/** A key and its colon. Gives where the value starts. */
function scanKey(text: string, from: number, count: { strings: number }): number {
  if (text[from] !== '"') {
    if (text[from] === '-' || isDigit(text[from])) throw new JsonError('object member name must be a string');
    unexpected(text, from);
  }
  const at = skipSpace(text, scanString(text, from + 1, count));
  if (text[at] !== ':') unexpected(text, at, 'after object key');
  return skipSpace(text, at + 1);
}

function scanScalar(text: string, at: number, count: { strings: number }): number {
  const first = text[at];
  if (first === '"') return scanString(text, at + 1, count);
  if (first === 't') return scanLiteral(text, at, 'true');
  if (first === 'f') return scanLiteral(text, at, 'false');
  if (first === 'n') return scanLiteral(text, at, 'null');
  if (first === '-' || isDigit(first)) return scanNumber(text, at);
  return unexpected(text, at);
}

/** A comma before the closing bracket is itself the unexpected character. */
function skipComma(text: string, comma: number, closing: string): number {
  const at = skipSpace(text, comma + 1);
  return text[at] === closing ? unexpected(text, comma) : at;
}

function scanString(text: string, from: number, count: { strings: number }): number {
  if (++count.strings > MAX_STRINGS) throw new JsonTooComplex('exceeded maximum number of strings');
  for (let at = from; at < text.length; at++) {
    const character = text[at] as string;
    if (character === '"') return at + 1;
    if (character < ' ') unexpected(text, at, 'in string');
    if (character === '\\') {
      const sequence = text.slice(at, at + (text[at + 1] === 'u' ? 6 : 2));
      if (at + 1 < text.length && !/^\\(?:["\\/bfnrt]|u[0-9a-fA-F]{0,4})$/.test(sequence)) {
        throw new JsonError(`invalid escape sequence \`${sequence}\` in string`);
      }
      at += sequence.length - 1;
    }
  }
  throw new JsonError('unexpected EOF');
}

function scanLiteral(text: string, from: number, literal: string): number {
  for (let index = 1; index < literal.length; index++) {
    if (text[from + index] !== literal[index]) {
      unexpected(text, from + index, `in literal ${literal} (expecting '${literal[index]}')`);
    }
  }
  return from + literal.length;
}

function scanNumber(text: string, from: number): number {
  let at = text[from] === '-' ? from + 1 : from;
  const digits = () => {
    if (!isDigit(text[at])) unexpected(text, at, 'in numeric literal');
    while (isDigit(text[at])) at++;
  };
  if (text[at] === '0') at++;
  else digits();
  if (text[at] === '.') {
    at++;
    digits();
  }
  if (text[at] === 'e' || text[at] === 'E') {
    at++;
    if (text[at] === '+' || text[at] === '-') at++;
    digits();
  }
  return at;
}

function isDigit(character: string | undefined): boolean {
  return character !== undefined && character >= '0' && character <= '9';
}

function skipSpace(text: string, from: number): number {
  let at = from;
  while (at < text.length && ' \t\r\n'.includes(text[at] as string)) at++;
  return at;
}

function unexpected(text: string, at: number, where = 'looking for beginning of value'): never {
  if (at >= text.length) throw new JsonError('unexpected EOF');
  throw new JsonError(
    `invalid character ${goQuote(String.fromCodePoint(text.codePointAt(at) as number))} ${where}`,
  );
}

/** One character as Go quotes it. */
function goQuote(character: string): string {
  if (character === '"') return `'"'`;
  if (character === "'") return `'\\''`;
  if (/^[\p{L}\p{M}\p{N}\p{P}\p{S} ]$/u.test(character)) return `'${character}'`;
  const escaped = { '\t': '\\t', '\n': '\\n', '\r': '\\r', '\b': '\\b', '\f': '\\f' }[character];
  const code = (character.codePointAt(0) as number).toString(16);
  return `'${escaped ?? (code.length <= 2 ? `\\x${code.padStart(2, '0')}` : `\\u${code.padStart(4, '0')}`)}'`;
}
