import { describe, expect, test } from 'vitest';
import { redactResponse } from '../src/http.js';
import { assertNoLeak, createRedactor, type Hit, type RedactorOptions } from '../src/index.js';
import { ask, serve } from './support/http-exchange.js';

describe('a live value that shares a line with a retired one', () => {
  test('is told, whichever was known first', () => {
    const hits: Hit[] = [];
    const redactor = createRedactor({ onHit: (hit) => hits.push(hit) });
    redactor.add('shared-line-of-both\nold-second-line', 'vault:old');
    redactor.retire('shared-line-of-both\nold-second-line', 'vault:old');
    redactor.add('shared-line-of-both\nnew-second-line', 'vault:new');
    redactor.redact('it says shared-line-of-both', 'log');
    expect(hits).toEqual([{ ref: 'vault:new', sink: 'log' }]);
  });
});

describe('maxEntries', () => {
  const redactor = createRedactor({ maxEntries: 100 });
  test('bounds a set', () => {
    const copy = redactor.redactObject(new Set(Array.from({ length: 5_000 }, (_, n) => `text-${n}`)));
    expect((copy as Set<string>).size).toBeLessThanOrEqual(100);
  });
  test('bounds headers without an end', () => {
    const endless = {
      get [Symbol.toStringTag]() {
        return 'Headers';
      },
      *[Symbol.iterator]() {
        for (let n = 0; ; n++) yield [`name-${n}`, 'value'];
      },
    };
    expect(Object.keys(redactor.redactObject(endless) as object).length).toBeLessThanOrEqual(100);
  });
});

describe('a setting that makes no sense', () => {
  const shape = { id: 'a', prefix: 'acme_', pattern: '[a-z]{10}', example: 'x', counterExample: 'y' };
  test.each<[string, unknown]>([
    ['an unknown one', { showref: true }],
    ['a pattern that is no text', { moreShapes: [{ ...shape, pattern: /acme_[a-z]{10}/ }] }],
    ['a shape without a pattern', { moreShapes: [{ id: 'a' }] }],
  ])('%s is refused by name', (_, options) => {
    expect(() => createRedactor(options as RedactorOptions)).toThrow(
      expect.objectContaining({ code: 'invalid-config' }),
    );
  });
});

describe('assertNoLeak', () => {
  test.each<[string, unknown, unknown]>([
    ['no values', 'some output', []],
    ['a redactor that knows none', 'some output', createRedactor()],
    ['an error', new Error('x'), ['a-canary-1']],
    ['an object', { a: 1 }, ['a-canary-1']],
    ['a list of objects', [{ a: 1 }], ['a-canary-1']],
    ['nothing', undefined, ['a-canary-1']],
  ])('of %s says so instead of passing', (_, output, canaries) => {
    expect(() => assertNoLeak(output as string, canaries as string[])).toThrow(
      expect.objectContaining({ code: 'invalid-value' }),
    );
  });
  test('of nothing that was printed passes', () => {
    assertNoLeak([], ['a-canary-1']);
  });
});

test('early hints are masked', async () => {
  const redactor = createRedactor({ shapes: false });
  redactor.add('correct horse battery', 'vault:db');
  const server = await serve((_request, response) => {
    redactResponse(response, redactor);
    response.writeEarlyHints({ link: '</a.css>; rel=preload', 'x-key': 'correct horse battery' });
    response.end('done');
  });
  const { raw } = await ask(server.port, '/');
  await server.stop();
  expect(raw.toString()).toContain('103 Early Hints');
  assertNoLeak(raw, redactor);
});
