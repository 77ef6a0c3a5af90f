/** A value of HCL: what JSON has, and blocks, which may repeat. */
export type HclValue = string | number | boolean | readonly HclValue[] | HclBody;

/** `key = value` and `key "label" { … }` items, in order. */
export interface HclBody {
  readonly items: readonly HclItem[];
}

export interface HclItem {
  readonly key: string;
  /** The labels of a block; empty for an assignment. */
  readonly labels: readonly string[];
  readonly value: HclValue;
  /** Of an assignment; 0 for a block, as the server's parser has it. */
  readonly line: number;
}

/** A text that is not HCL, in the words of the server's parser. */
export class HclError extends Error {}

interface Lexeme {
  readonly kind: 'word' | 'text' | 'number' | 'mark' | 'end';
  readonly text: string;
  readonly line: number;
  readonly column: number;
}

const LEXEME =
  /(?<space>[ \t\r\n]+|#[^\n]*|\/\/[^\n]*|\/\*[\s\S]*?\*\/)|(?<text>"(?:[^"\\\n]|\\.)*")|(?<number>-?\d+(?:\.\d+)?\b)|(?<word>[A-Za-z_][\w.-]*)|(?<mark>[{}[\]=,])/gy;

/**
 * Parses the part of HCL 1 that policies are written in: assignments, labelled blocks, lists, comments. Heredocs and
 * interpolation have no use there and are not understood.
 *
 * @throws HclError with line and column
 */
export function parseHcl(source: string): HclBody {
  const reader = new Reader(lex(source));
  const body = reader.body('end');
  return body;
}

class Reader {
  #at = 0;
  constructor(private readonly lexemes: readonly Lexeme[]) {}

  body(closing: 'end' | '}'): HclBody {
    const items: HclItem[] = [];
    for (;;) {
      const lexeme = this.#next();
      if (closing === 'end' ? lexeme.kind === 'end' : lexeme.text === '}' && lexeme.kind === 'mark') {
        return { items };
      }
      if (lexeme.kind === 'end') throw at(lexeme, 'object expected closing RBRACE got: EOF');
      if (lexeme.kind === 'mark' && lexeme.text === ',') continue;
      items.push(this.#item(lexeme));
    }
  }

  #item(key: Lexeme): HclItem {
    if (key.kind !== 'word' && key.kind !== 'text') {
      throw at(key, `object expected, got: ${describe(key)}`);
    }
    const labels: string[] = [];
    for (;;) {
      const lexeme = this.#next();
      if (lexeme.kind === 'mark' && lexeme.text === '=' && labels.length === 0) {
        return { key: key.text, labels, value: this.#value(this.#next()), line: key.line };
      }
      if (lexeme.kind === 'mark' && lexeme.text === '{') {
        return { key: key.text, labels, value: this.body('}'), line: 0 };
      }
      if (lexeme.kind !== 'text' && lexeme.kind !== 'word') {
        throw at(lexeme, `key '${key.text}' expected start of object ('{') or assignment ('=')`);
      }
      labels.push(lexeme.text);
    }
  }

  #value(lexeme: Lexeme): HclValue {
    if (lexeme.kind === 'text') return lexeme.text;
    if (lexeme.kind === 'number') return Number(lexeme.text);
    if (lexeme.kind === 'word' && lexeme.text === 'true') return true;
    if (lexeme.kind === 'word' && lexeme.text === 'false') return false;
    if (lexeme.kind === 'mark' && lexeme.text === '{') return this.body('}');
    if (lexeme.kind === 'mark' && lexeme.text === '[') return this.#list();
    throw at(lexeme, `Unknown token: ${lexeme.line}:${lexeme.column} ${describe(lexeme)}`);
  }

  #list(): HclValue[] {
    const values: HclValue[] = [];
    let needsComma = false;
    for (;;) {
      const lexeme = this.#next();
      if (lexeme.kind === 'mark' && lexeme.text === ']') return values;
      if (needsComma) {
        if (lexeme.kind !== 'mark' || lexeme.text !== ',') {
          throw at(lexeme, `error parsing list, expected comma or list end, got: ${describe(lexeme)}`);
        }
        needsComma = false;
      } else {
        values.push(this.#value(lexeme));
        needsComma = true;
      }
    }
  }

  #next(): Lexeme {
    const lexeme = this.lexemes[Math.min(this.#at, this.lexemes.length - 1)] as Lexeme;
    this.#at += 1;
    return lexeme;
  }
}

function lex(source: string): Lexeme[] {
  const lexemes: Lexeme[] = [];
  let line = 1;
  let lineStart = 0;
  let position = 0;
  const place = (at: number) => ({ line, column: at - lineStart + 1 });
  while (position < source.length) {
    LEXEME.lastIndex = position;
    const match = LEXEME.exec(source);
    if (match === null) {
      throw at(place(position), 'illegal character');
    }
    const { text, number, word, mark } = match.groups as Record<string, string | undefined>;
    const where = place(position);
    if (text !== undefined) lexemes.push({ kind: 'text', text: unquote(text), ...where });
    else if (number !== undefined) lexemes.push({ kind: 'number', text: number, ...where });
    else if (word !== undefined) lexemes.push({ kind: 'word', text: word, ...where });
    else if (mark !== undefined) lexemes.push({ kind: 'mark', text: mark, ...where });
    for (const newline of match[0].matchAll(/\n/g)) {
      line += 1;
      lineStart = position + newline.index + 1;
    }
    position = LEXEME.lastIndex;
  }
  lexemes.push({ kind: 'end', text: 'EOF', ...place(source.length) });
  return lexemes;
}

function unquote(text: string): string {
  return text
    .slice(1, -1)
    .replace(/\\(.)/g, (_, character: string) => ({ n: '\n', t: '\t', r: '\r' })[character] ?? character);
}

function describe(lexeme: Lexeme): string {
  const marks: Record<string, string> = {
    '{': 'LBRACE',
    '}': 'RBRACE',
    '[': 'LBRACK',
    ']': 'RBRACK',
    '=': 'ASSIGN',
    ',': 'COMMA',
  };
  if (lexeme.kind === 'mark') return marks[lexeme.text] ?? 'ILLEGAL';
  return { word: 'IDENT', text: 'STRING', number: 'NUMBER', end: 'EOF' }[lexeme.kind];
}

function at({ line, column }: Pick<Lexeme, 'line' | 'column'>, problem: string): HclError {
  return new HclError(`At ${line}:${column}: ${problem}`);
}
