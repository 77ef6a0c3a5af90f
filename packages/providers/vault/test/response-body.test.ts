import { jsonText } from '@keyturn/core/provider';
import { describe, expect, it } from 'vitest';
import { readBody } from '../src/response-body.js';

describe('bodies', () => {
  it.each([
    undefined,
    'application/json',
    'application/json; charset=utf-8',
    'application/problem+json',
    'APPLICATION/JSON',
  ])('of type %s are JSON when they are', (type) => {
    const body = readBody(type, ' {"a": {"b": 12345678901234567890}}\n');
    expect(body.kind).toBe('json');
    expect(body.kind === 'json' && jsonText(body.content.a)).toBe('{"b":12345678901234567890}');
  });

  it.each([
    ['text/html', '{"data": {}}', 'HTML'],
    ['text/plain', '{"data": {}}', 'plain text'],
    ['application/octet-stream', '<html>', 'HTML'],
    ['application/json', '{"data": ', 'broken JSON'],
    ['application/json', '[]', 'broken JSON'],
    ['application/json', '7', 'broken JSON'],
    ['application/json', '<html>', 'HTML'],
    [undefined, 'Client sent an HTTP request to an HTTPS server.\n', 'broken JSON'],
  ])('of type %s with %j are not the store’s', (type, text, looks) => {
    expect(readBody(type, text)).toMatchObject({ kind: 'foreign', looks });
  });

  it('of nothing are nothing', () => {
    expect(readBody('application/json', ' \n')).toEqual({ kind: 'none' });
  });
});
