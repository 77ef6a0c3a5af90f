import { channel } from 'node:diagnostics_channel';
import { assertNoLeak, leakProbe } from '@keyturn/core/testing';
import { describe, expect, it } from 'vitest';

const CANARY = 'canary-a1b2"c3';

/** Whether the probe finds the canary after `leak` was done. */
async function finds(leak: (probe: ReturnType<typeof leakProbe>) => unknown): Promise<boolean> {
  const probe = leakProbe([CANARY]);
  try {
    await leak(probe);
    probe.assertClean();
    return false;
  } catch (error) {
    expect(String(error)).not.toContain(CANARY);
    return true;
  } finally {
    probe.stop();
  }
}

describe('the leak probe finds a canary', () => {
  it.each<[string, unknown]>([
    ['in a property', { deep: { deeper: { deepest: { at: [CANARY] } } } }],
    ['in a hidden property', Object.defineProperty({}, 'hidden', { value: CANARY, enumerable: false })],
    ['in a message', new Error(`refused ${CANARY}`)],
    ['in a cause', new Error('outer', { cause: new Error(`inner ${CANARY}`) })],
    ['in one error of many', new AggregateError([new Error('a'), new Error(CANARY)])],
    ['in a map', new Map([['key', CANARY]])],
    ['in what toJSON gives', { toJSON: () => ({ password: CANARY }) }],
    ['in what toString gives', { toString: () => `It is ${CANARY}` }],
    ['as base64', { header: `Basic ${Buffer.from(CANARY).toString('base64')}` }],
    ['as hex', Buffer.from(CANARY).toString('hex')],
    ['URL-encoded', `https://host/?password=${encodeURIComponent(CANARY)}`],
    ['JSON-escaped', JSON.stringify({ password: CANARY })],
  ])('%s', async (_, subject) => {
    expect(await finds((probe) => probe.inspect(subject, 'the subject'))).toBe(true);
    expect(() => assertNoLeak([CANARY], [subject])).toThrow('A canary was found in: subject 0.');
  });

  it('on stdout and stderr', async () => {
    expect(await finds(() => process.stdout.write(`${CANARY}\n`))).toBe(true);
    expect(await finds(() => process.stderr.write(Buffer.from(`${CANARY}\n`)))).toBe(true);
  });

  it('in a process warning', async () => {
    const warned = () =>
      new Promise((resolve) => {
        process.once('warning', resolve);
        process.emitWarning(`cannot use ${CANARY}`);
      });
    expect(await finds(warned)).toBe(true);
  });

  it('in an event', async () => {
    expect(await finds(() => channel('keyturn.secret-rotated').publish({ version: CANARY }))).toBe(true);
  });
});

describe('the leak probe finds nothing', () => {
  it('where nothing is', async () => {
    expect(await finds((probe) => probe.inspect({ password: '[REDACTED]' }, 'the subject'))).toBe(false);
    expect(() =>
      assertNoLeak([CANARY], ['', undefined, new Error('clean'), Object.create(null)]),
    ).not.toThrow();
  });

  it('after it was stopped, and leaves the streams as they were', () => {
    const { write } = process.stdout;
    const probe = leakProbe([CANARY]);
    expect(process.stdout.write).not.toBe(write);
    probe.stop();
    expect(process.stdout.write).toBe(write);
  });
});
