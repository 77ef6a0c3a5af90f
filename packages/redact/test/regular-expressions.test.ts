import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { check } from 'recheck';
import ts from 'typescript';
import { describe, expect, test } from 'vitest';
import { createRedactor } from '../src/index.js';
import { TOKEN_TABLE } from '../src/shapes/token-table.js';
import { armour } from './support/armour.js';

const sources = fileURLToPath(new URL('../src', import.meta.url));

/** Every regular expression that is written in the sources of this package, with where it stands. */
function writtenExpressions(): Map<string, string> {
  const found = new Map<string, string>();
  for (const name of readdirSync(sources, { recursive: true, encoding: 'utf8' })) {
    if (!name.endsWith('.ts')) continue;
    const file = ts.createSourceFile(name, readFileSync(join(sources, name), 'utf8'), ts.ScriptTarget.ES2023);
    const visit = (node: ts.Node): void => {
      if (ts.isRegularExpressionLiteral(node)) found.set(node.text, name);
      ts.forEachChild(node, visit);
    };
    visit(file);
  }
  return found;
}

/** As a token rule compiles it. */
const tableExpressions = new Set(
  TOKEN_TABLE.flatMap(({ pattern, before }) => [
    `/${pattern}/y`,
    ...(before === undefined ? [] : [`/(?<=(${before}))/y`]),
  ]),
);

describe('no regular expression can be made to backtrack for long', () => {
  const all = [...new Set([...writtenExpressions().keys(), ...tableExpressions])].map(
    (text) => [text] as const,
  );

  test.each(all)('%s', async (text) => {
    const end = text.lastIndexOf('/');
    const diagnostics = await check(text.slice(1, end), text.slice(end + 1), { timeout: 30_000 });
    expect(diagnostics.status, JSON.stringify(diagnostics)).toBe('safe');
  });
});

describe('a hostile text costs time in proportion to its length', () => {
  const hostile = [
    'eyJ-',
    'eyJ',
    'ops_eyJ',
    'token=',
    'token="',
    '"token":"',
    '?token=',
    'Bearer a',
    '://a:',
    ':AA',
    '-----BEGIN ',
    armour('PRIVATE KEY').begin,
    'Cookie: a=b; ',
    '[REDACTED',
    '[REDACTED]',
    'aaaaaaaa',
    'password=\\"',
    'sk_live_',
  ];

  test.each(hostile)('%j over and over', (piece) => {
    const redactor = createRedactor();
    redactor.add('aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa', 'a:b');
    const cost = (length: number): number => {
      const text = piece.repeat(Math.ceil(length / piece.length)).slice(0, length);
      redactor.redact(text);
      const times = [0, 1, 2].map(() => {
        const start = process.cpuUsage();
        redactor.redact(text);
        const { user, system } = process.cpuUsage(start);
        return user + system;
      });
      return Math.min(...times);
    };
    // Eight times the text may cost sixteen times as much; a quadratic rule would make it sixty-four.
    const short = cost(32_768);
    expect(cost(262_144)).toBeLessThan(short * 16 + 50_000);
  });
});
