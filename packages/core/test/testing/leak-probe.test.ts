import { channel } from 'node:diagnostics_channel';
import { inspect } from 'node:util';
import { createSecrets, SecretsError } from '@keyturn/core';
import { assertNoLeak, fakeClock, type LeakProbe, leakProbe, memoryProvider } from '@keyturn/core/testing';
import fc from 'fast-check';
import { afterEach, describe, expect, it, vi } from 'vitest';

const CANARY = 'canary-ü&a1"b2';
const bytes = Buffer.from(CANARY);

afterEach(() => {
  vi.restoreAllMocks();
});

/** Where the probe finds the canary after `leak` was done; what it says of it shows no form of it. */
async function found(leak: (probe: LeakProbe) => unknown): Promise<string[]> {
  const probe = leakProbe([CANARY]);
  try {
    await leak(probe);
    const { leaks } = probe;
    const message = messageOf(() => probe.assertClean());
    expect(message === undefined).toBe(leaks.length === 0);
    for (const shown of [message ?? '', inspect(probe, { depth: 9, showHidden: true, getters: true })]) {
      for (const form of [
        CANARY,
        bytes.toString('hex'),
        bytes.toString('base64'),
        encodeURIComponent(CANARY),
      ]) {
        expect(shown).not.toContain(form);
      }
    }
    return leaks.map(({ where, how, form }) => `${where}: ${how} (${form})`);
  } finally {
    probe.stop();
  }
}

function messageOf(call: () => void): string | undefined {
  try {
    call();
    return undefined;
  } catch (error) {
    expect(error).toMatchObject({ name: 'AssertionError' });
    return String((error as Error).message);
  }
}

class Hiding {
  readonly #value = CANARY;
  get length(): number {
    return this.#value.length;
  }
}

describe('the leak probe finds a canary', () => {
  it.each<[string, unknown, string]>([
    ['in a property', { deep: { deeper: [{ at: CANARY }] } }, '.deep.deeper[0].at'],
    [
      'in a hidden property',
      Object.defineProperty({}, 'hidden', { value: CANARY, enumerable: false }),
      '.hidden',
    ],
    ['under a symbol', { [Symbol('key')]: CANARY }, '[Symbol(key)]'],
    [
      'behind a getter',
      {
        get lazy() {
          return CANARY;
        },
      },
      '.lazy',
    ],
    ['in a key', { [CANARY]: 1 }, '(a key)'],
    ['in a message', new Error(`refused ${CANARY}`), '.message'],
    ['in a stack', Object.assign(new Error('x'), { stack: `Error: x\n at ${CANARY}` }), '.stack'],
    ['in a cause', new Error('outer', { cause: new Error(`inner ${CANARY}`) }), '.cause.message'],
    [
      'in a foreign error',
      Object.assign(new Error('x'), { config: { headers: { auth: CANARY } } }),
      '.config.headers.auth',
    ],
    ['in one error of many', new AggregateError([new Error('a'), new Error(CANARY)]), '.errors[1].message'],
    ['in a map', new Map([['key', { value: CANARY }]]), '.values().value'],
    ['in a set', new Set([CANARY]), '.keys()'],
    ['in what toJSON gives', { toJSON: () => ({ password: CANARY }) }, 'JSON.stringify'],
    ['in what toString gives', { toString: () => `It is ${CANARY}` }, 'String'],
    ['in what its own inspect gives', { [inspect.custom]: () => CANARY }, 'util.inspect'],
    ['on a function', Object.assign(() => {}, { last: CANARY }), '.last'],
    ['in a buffer', { body: bytes }, '.body'],
    ['in a typed array', new Uint8Array(bytes), 'itself'],
    ['as the JSON of a buffer', JSON.stringify(bytes), 'bytes in decimal'],
    ['as an inspected buffer', inspect(bytes), 'hex with spaces'],
    ['as an inspected typed array', inspect(new Uint8Array(bytes)), 'bytes in decimal'],
    ['as base64', `Basic ${bytes.toString('base64')}`, 'base64'],
    ['as base64 after one more letter', Buffer.from(`u:${CANARY}:x`).toString('base64'), 'base64'],
    ['as base64 after two more letters', Buffer.from(`u${CANARY}`).toString('base64'), 'base64'],
    ['as base64url', bytes.toString('base64url'), 'base64'],
    ['as hex', bytes.toString('hex'), 'hex'],
    ['as capital hex', bytes.toString('hex').toUpperCase(), 'hex'],
    ['URL-encoded', `https://host/?password=${encodeURIComponent(CANARY)}`, 'URL-encoded'],
    ['form-encoded', String(new URLSearchParams({ password: CANARY })), '-encoded'],
    ['JSON-escaped', JSON.stringify({ password: CANARY }), 'JSON-escaped'],
  ])('%s', async (_, subject, how) => {
    const places = await found((probe) => probe.inspect(subject, 'the subject'));
    expect(places.join('\n')).toContain('the subject');
    expect(places.join('\n')).toContain(how);
    expect(messageOf(() => assertNoLeak(['clean', subject], [CANARY]))).toMatch(/subject 1: /);
  });

  it('property: in base64, wherever in a text it stands', () => {
    fc.assert(
      fc.property(fc.uint8Array(), fc.uint8Array(), fc.string({ minLength: 6 }), (before, after, canary) => {
        const text = Buffer.concat([before, Buffer.from(canary), after]);
        for (const encoding of ['base64', 'base64url'] as const) {
          expect(messageOf(() => assertNoLeak([text.toString(encoding)], [canary]))).toBeDefined();
        }
      }),
    );
  });

  it('in the way to it, without showing it there', async () => {
    expect(await found((probe) => probe.inspect({ [CANARY]: 'x' }, `the ${CANARY}`))).not.toEqual([]);
  });

  it.each(['log', 'info', 'warn', 'error', 'debug', 'trace', 'dir', 'table'] as const)(
    'given to console.%s, however deep',
    async (method) => {
      vi.spyOn(console, method).mockImplementation(() => {});
      expect(
        (await found(() => console[method]('see', { a: { b: { c: { d: CANARY } } } }))).join(),
      ).toContain(`console.${method}`);
    },
  );

  it.each(['stdout', 'stderr'] as const)(
    'written to %s as text, as bytes, and in two pieces',
    async (name) => {
      vi.spyOn(process[name], 'write').mockImplementation(() => true);
      const pieces = [CANARY.slice(0, 5), CANARY.slice(5)];
      expect(await found(() => process[name].write(`${CANARY}\n`))).not.toEqual([]);
      expect(await found(() => process[name].write(bytes))).not.toEqual([]);
      expect(await found(() => pieces.forEach((piece) => void process[name].write(piece, 'utf8')))).toEqual([
        `${name}: the text (plain)`,
      ]);
    },
  );

  it('in a process warning, at once', async () => {
    vi.spyOn(process, 'emitWarning').mockImplementation(() => {});
    expect((await found(() => process.emitWarning(`cannot use ${CANARY}`))).join()).toContain(
      'a process warning',
    );
    const detailed = await found(() => process.emitWarning('short', { detail: CANARY }));
    expect(detailed.join()).toContain('a process warning');
  });

  it('in an event', async () => {
    const published = await found(() => channel('keyturn.secret-rotated').publish({ version: CANARY }));
    expect(published.join()).toContain('the channel keyturn.secret-rotated');
  });

  it('that it was told of later', async () => {
    const probe = leakProbe([]);
    probe.add(CANARY);
    probe.inspect(CANARY, 'the subject');
    probe.stop();
    expect(probe.leaks).toEqual([{ where: 'the subject', how: 'the text', form: 'plain' }]);
  });
});

describe('the leak probe finds nothing', () => {
  it.each<[string, unknown]>([
    ['in what is clean', { password: '[REDACTED]', nothing: undefined, circle: [] }],
    ['in a private member', new Hiding()],
    ['in a closure', () => CANARY.length],
    ['in an object without a prototype', Object.create(null)],
    [
      'in a circle',
      (() => {
        const circle: { self?: unknown } = {};
        circle.self = circle;
        return circle;
      })(),
    ],
    [
      'in a getter that throws',
      {
        get broken() {
          throw new Error('no');
        },
      },
    ],
    [
      'in a proxy that throws',
      new Proxy(
        {},
        {
          ownKeys() {
            throw new Error('no');
          },
        },
      ),
    ],
    ['in nothing', undefined],
  ])('%s', async (_, subject) => {
    expect(await found((probe) => probe.inspect(subject, 'the subject'))).toEqual([]);
  });

  it('in a long chain, without running out of stack', async () => {
    let chain: { next?: unknown } = {};
    for (let link = 0; link < 3_000; link++) chain = { next: chain };
    expect(await found((probe) => probe.inspect(chain, 'the chain'))).toEqual([]);
  });

  it('after it was stopped, and leaves everything as it was', () => {
    const before = [process.stdout.write, process.stderr.write, console.log, process.emitWarning];
    const listeners = process.listenerCount('warning');
    const own = Object.getOwnPropertyNames(process.stdout).includes('write');
    const probe = leakProbe([CANARY]);
    expect([process.stdout.write, console.log]).not.toEqual([before[0], before[2]]);
    expect(channel('keyturn.secret-rotated').hasSubscribers).toBe(true);
    probe.stop();
    probe.stop();
    expect([process.stdout.write, process.stderr.write, console.log, process.emitWarning]).toEqual(before);
    expect(Object.getOwnPropertyNames(process.stdout).includes('write')).toBe(own);
    expect(process.listenerCount('warning')).toBe(listeners);
    expect(channel('keyturn.secret-rotated').hasSubscribers).toBe(false);
    channel('keyturn.secret-rotated').publish({ version: CANARY });
    expect(probe.leaks).toEqual([]);
  });

  it('and lets what it hears go on to where it was going', () => {
    const write = vi.spyOn(process.stderr, 'write').mockImplementation(() => true);
    const warn = vi.spyOn(console, 'warn').mockImplementation(() => {});
    const probe = leakProbe([CANARY]);
    process.stderr.write('heard\n', 'utf8');
    console.warn('heard', 1);
    probe.stop();
    expect(write).toHaveBeenCalledWith('heard\n', 'utf8');
    expect(warn).toHaveBeenCalledWith('heard', 1);
  });
});

it.each(['', 'short'])('refuses a canary that would be found everywhere: %j', (canary) => {
  expect(() => leakProbe([canary])).toThrow(SecretsError);
  expect(channel('keyturn.secret-rotated').hasSubscribers).toBe(false);
});

it('F49: finds nothing in the real thing, in service and in failure', async () => {
  const clock = fakeClock();
  const store = memoryProvider({ clock });
  store.lease('db', { ttlMs: 60_000, make: (n) => ({ username: `user-${n}`, password: `${CANARY}-${n}` }) });
  const secrets = createSecrets({ providers: { store }, clock });
  const places = await found(async (probe) => {
    const secret = await secrets.getSecret('store:db');
    await clock.advance(600_000);
    store.deny('db');
    const error = await secrets.rotate('store:db').catch((reason: unknown) => reason);
    for (const thing of [
      secret,
      secret.field('password'),
      error,
      secrets,
      secrets.inventory(),
      secrets.health(),
    ]) {
      probe.inspect(thing, 'what an application holds');
    }
    expect(secret.field('password').reveal()).toContain(CANARY);
    await secrets.close();
  });
  expect(places).toEqual([]);
});
