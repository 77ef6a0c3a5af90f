import { channel, subscribe, unsubscribe } from 'node:diagnostics_channel';
import { fakeClock } from '@keyturn/core/testing';
import { describe, expect, test } from 'vitest';
import { createRedactor, type Hit } from '../src/index.js';

function watched() {
  const hits: Hit[] = [];
  const clock = fakeClock();
  const redactor = createRedactor({ clock, onHit: (hit) => hits.push(hit) });
  return { hits, redactor };
}

describe('a listener for hits', () => {
  test('hears the reference and the sink of each live value, once for each text, and no value', () => {
    const { hits, redactor } = watched();
    redactor.add('first-password', 'vault:one');
    redactor.add('second-password', 'vault:two');
    redactor.redact('first-password, second-password, first-password', 'http log');
    redactor.redact('nothing');
    redactor.redactObject({ deep: ['first-password'] }, 'audit');
    expect(hits).toEqual([
      { ref: 'vault:one', sink: 'http log' },
      { ref: 'vault:two', sink: 'http log' },
      { ref: 'vault:one', sink: 'audit' },
    ]);
  });

  test('does not hear of retired values, tokens and keys', () => {
    const { hits, redactor } = watched();
    redactor.add('old-password', 'vault:old');
    redactor.retire('old-password', 'vault:old');
    redactor.redact(`old-password {"password":"x"} postgres://a:b@c`);
    expect(hits).toEqual([]);
  });

  test('F50: that throws does not stop the log line', () => {
    const redactor = createRedactor({
      onHit: () => {
        throw new Error('no');
      },
      onWarning: () => {
        throw new Error('no');
      },
    });
    redactor.add('a-password', 'vault:one');
    redactor.add('abc', 'vault:two');
    expect(redactor.redact('x a-password')).toBe('x [REDACTED]');
  });

  test('that redacts what it logs is not told of itself', () => {
    let calls = 0;
    const redactor = createRedactor({
      onHit: () => {
        calls++;
        redactor.redact('leak of a-password');
      },
    });
    redactor.add('a-password', 'vault:one');
    redactor.redact('a-password');
    expect(calls).toBe(1);
  });
});

describe('the channel keyturn.value-masked', () => {
  test('carries the reference and the sink of what any redactor found, beside onHit, and no value', () => {
    const { hits, redactor } = watched();
    const other = createRedactor();
    redactor.add('first-password', 'vault:one');
    other.add('second-password', 'vault:two');
    const heard: unknown[] = [];
    const hear = (message: unknown): void => void heard.push(message);
    subscribe('keyturn.value-masked', hear);
    try {
      redactor.redact('first-password, first-password', 'http log');
      other.redactObject(['second-password', { password: 'x' }]);
      other.retire('second-password', 'vault:two');
      other.redact('second-password');
    } finally {
      unsubscribe('keyturn.value-masked', hear);
    }
    redactor.redact('first-password');
    expect(heard).toEqual([
      { ref: 'vault:one', sink: 'http log' },
      { ref: 'vault:two', sink: undefined },
    ]);
    expect(hits).toHaveLength(2);
    expect(channel('keyturn.value-masked').hasSubscribers).toBe(false);
  });

  test('a subscriber that redacts is not told of itself', () => {
    const redactor = createRedactor();
    redactor.add('a-password', 'vault:one');
    let calls = 0;
    const hear = (): void => {
      calls++;
      redactor.redact('leak of a-password');
    };
    subscribe('keyturn.value-masked', hear);
    redactor.redact('a-password');
    unsubscribe('keyturn.value-masked', hear);
    expect(calls).toBe(1);
  });
});

describe('F49: a redactor', () => {
  test('shows nothing of what it knows', async () => {
    const { inspect } = await import('node:util');
    const redactor = createRedactor();
    redactor.add('a-password', 'vault:one');
    const shown =
      inspect(redactor, { depth: 20, showHidden: true }) + JSON.stringify(redactor) + String(redactor);
    expect(shown).not.toContain('a-password');
    expect(inspect(redactor.redactStream(), { depth: 20, showHidden: true })).not.toContain('a-password');
  });
});
