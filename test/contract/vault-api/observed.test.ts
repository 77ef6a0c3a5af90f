import { readFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import { contractSuite } from './contract-suite.js';
import { mask } from './mask.js';
import { type Memory, NOT_IMPLEMENTED, REQUESTS } from './observed-requests.js';
import type { RawAnswer } from './raw-client.js';

interface RecordedAnswer {
  readonly status: number;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body: unknown;
}

interface RecordedCase {
  readonly name: string;
  readonly method: string;
  readonly path: string;
  readonly both?: RecordedAnswer;
  readonly openbao?: RecordedAnswer;
}

const VECTORS = new URL('../vectors/vault-observed.json', import.meta.url);
const { cases } = JSON.parse(readFileSync(VECTORS, 'utf8')) as { cases: readonly RecordedCase[] };
const reasonOf = (name: string) => NOT_IMPLEMENTED.find(({ names }) => names.test(name))?.reason;

test('every recorded case is replayed or listed as not implemented', () => {
  const skipped = cases.filter(({ name }) => reasonOf(name) !== undefined);
  expect(cases).toHaveLength(382);
  expect(skipped).toHaveLength(43);
  const names = new Set(cases.map(({ name }) => name));
  const unrecorded = /^(denied|after revoke|renew-self|revoke-self) uses2$/;
  expect(Object.keys(REQUESTS).filter((name) => !names.has(name) && !unrecorded.test(name))).toEqual([]);
  for (const { names: pattern } of NOT_IMPLEMENTED) {
    expect(skipped.some(({ name }) => pattern.test(name))).toBe(true);
  }
});

contractSuite('answers recorded from OpenBao', { postgres: true }, (server) => {
  const memory: Memory = {};

  // In the recorded order: what one call made, the next ones find.

  for (const recorded of cases) {
    if (reasonOf(recorded.name) !== undefined) continue;
    test(`${recorded.name}: ${recorded.method} ${recorded.path.slice(0, 80)}`, async () => {
      const { call, eventually, postgres, rootToken } = server();
      memory.root = rootToken;
      memory.port = String(postgres.port);
      memory.databasePassword = postgres.password;
      const expected = recorded.both ?? (recorded.openbao as RecordedAnswer);

      const request = REQUESTS[recorded.name] ?? {};
      const replay = () => (typeof request === 'function' ? request(memory) : request);
      await replay().before?.(server(), memory);
      const { path = recorded.path, waits, remember } = replay();
      const ask = () => call(recorded.method, path, replay());

      let answer = await ask();
      if (waits) {
        await eventually(async () => {
          if (answer.status === expected.status) return true;
          answer = await ask();
          return answer.status === expected.status;
        });
      }
      expect({ status: answer.status, body: bodyOf(answer) }).toEqual({
        status: expected.status,
        body: expectedBody(expected.body, bodyOf(answer)),
      });
      if (expected.headers !== undefined) {
        expect(mask(pick(answer.headers, Object.keys(expected.headers)))).toEqual(mask(expected.headers));
      }
      remember?.(answer, memory);
    });
  }
});

function bodyOf({ body, text }: RawAnswer): unknown {
  return body === undefined ? `RAW:${text}` : mask(body);
}

/** The recorded body, masked; a text that the recording cut short is completed from the answer where it agrees. */
function expectedBody(recorded: unknown, actual: unknown): unknown {
  return completed(mask(recorded), actual);
}

function completed(recorded: unknown, actual: unknown): unknown {
  if (typeof recorded === 'string' && typeof actual === 'string') {
    const cut = /^(.*)…\d+$/s.exec(recorded)?.[1];
    return cut !== undefined && actual.startsWith(cut) ? actual : recorded;
  }
  if (Array.isArray(recorded)) {
    return recorded.map((item, index) => completed(item, Array.isArray(actual) ? actual[index] : undefined));
  }
  if (typeof recorded === 'object' && recorded !== null) {
    const counterpart = (typeof actual === 'object' && actual !== null ? actual : {}) as Record<
      string,
      unknown
    >;
    return Object.fromEntries(
      Object.entries(recorded).map(([key, item]) => [key, completed(item, counterpart[key])]),
    );
  }
  return recorded;
}

function pick(headers: RawAnswer['headers'], names: readonly string[]): Record<string, unknown> {
  return Object.fromEntries(names.map((name) => [name, headers[name]]));
}
