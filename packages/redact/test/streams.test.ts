import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { PassThrough, Readable } from 'node:stream';
import { text } from 'node:stream/consumers';
import { pipeline } from 'node:stream/promises';
import { fakeClock } from '@keyturn/core/testing';
import { describe, expect, test } from 'vitest';
import { createRedactor, type Hit } from '../src/index.js';
import { armoured } from './support/armour.js';

describe('a redacting stream', () => {
  test('is right for every cut, also through a character of many bytes', async () => {
    const secret = 'пароль🔑-geheim';
    const redactor = createRedactor();
    redactor.add(secret, 'vault:db');
    const bytes = Buffer.from(`до ${secret} после\n`);
    for (let at = 0; at <= bytes.length; at++) {
      const stream = redactor.redactStream();
      Readable.from([bytes.subarray(0, at), bytes.subarray(at)]).pipe(stream);
      expect(await text(stream)).toBe('до [REDACTED] после\n');
    }
  });

  test('passes bytes that are no text unchanged', async () => {
    const bytes = Buffer.from(Array.from({ length: 4_096 }, (_, index) => (index * 31) & 0xff));
    const stream = createRedactor().redactStream();
    const out: Buffer[] = [];
    stream.on('data', (chunk: Buffer) => out.push(chunk));
    await pipeline(Readable.from([bytes.subarray(0, 1_000), bytes.subarray(1_000)]), stream);
    expect(Buffer.concat(out).equals(bytes)).toBe(true);
  });

  test('gives out a complete line at once, and the rest of one when nothing came for a while', async () => {
    const clock = fakeClock();
    const redactor = createRedactor({ clock });
    redactor.add('the-database-password', 'vault:db');
    const stream = redactor.redactStream({ idleMs: 20 });
    const out = collect(stream);
    stream.write('ready\nPassword: the-data');
    await clock.settle();
    expect(out()).toBe('ready\n');
    await clock.advance(10);
    stream.write('base-password');
    await clock.advance(19);
    expect(out()).toBe('ready\n');
    await clock.advance(40);
    expect(out()).toBe('ready\nPassword: [REDACTED]');
    stream.end();
    await once(stream, 'end');
    expect(clock.pending).toBe(0);
  });

  test('gives out everything at the end and leaves no timer, also when it is destroyed', async () => {
    const clock = fakeClock();
    const redactor = createRedactor({ clock });
    const ended = redactor.redactStream();
    const out = collect(ended);
    ended.end('no line end');
    await once(ended, 'end');
    expect(out()).toBe('no line end');
    const destroyed = redactor.redactStream();
    destroyed.write('no line end');
    await clock.settle();
    destroyed.destroy();
    await clock.settle();
    expect(clock.pending).toBe(0);
  });

  test('knows a value from the moment on when it is added', async () => {
    const redactor = createRedactor();
    const stream = redactor.redactStream();
    const out = collect(stream);
    stream.write('rotated-password\n');
    redactor.add('rotated-password', 'vault:db');
    stream.end('rotated-password\n');
    await once(stream, 'end');
    expect(out()).toBe('rotated-password\n[REDACTED]\n');
  });

  test('holds back no more than the longest form of a value where no line ends', async () => {
    const redactor = createRedactor({ shapes: false });
    redactor.add('a-value-of-some-length', 'vault:db');
    const stream = redactor.redactStream({ idleMs: 60_000 });
    const out = collect(stream);
    stream.write('.'.repeat(10_000));
    await new Promise((resolve) => setImmediate(resolve));
    // The longest form is hexadecimal; the lines of a value may be that far apart twice, and an escaped line end.
    expect(10_000 - out().length).toBeLessThan(2 * 44 + 400);
    stream.destroy();
  });

  test('gives out lines at once also when a value has a line end in it, but for the end of the last', async () => {
    const redactor = createRedactor();
    const key = Buffer.from('c0ffee0a11d00d0dbeef00c0ffee80a1', 'hex');
    redactor.add(key, 'vault:transit#key');
    const stream = redactor.redactStream({ idleMs: 60_000 });
    const out = collect(stream);
    stream.write('a line of some length that is complete, and then some more of it\n'.repeat(8));
    await new Promise((resolve) => setImmediate(resolve));
    expect(out().length).toBeGreaterThan(6 * 65);
    stream.write(key.subarray(0, 5));
    stream.end(key.subarray(5));
    await once(stream, 'end');
    expect(out()).toMatch(/of it\n\[REDACTED\]$/);
  });

  test('forgets what is due', async () => {
    const clock = fakeClock();
    const redactor = createRedactor({ clock });
    redactor.add('retired-password', 'vault:db');
    redactor.retire('retired-password', 'vault:db');
    const stream = redactor.redactStream();
    const out = collect(stream);
    stream.write('retired-password\n');
    await clock.advance(3_600_000);
    stream.end('retired-password\n');
    await once(stream, 'end');
    expect(out()).toBe('[REDACTED]\nretired-password\n');
  });

  test('masks a private key cut into lines as one', async () => {
    const key = armoured('EC PRIVATE KEY', ['MHcCAQEEIIGLEbMqHcqCO1d5', 'AwEHoUQDQgAE7Zx9']);
    const stream = createRedactor().redactStream();
    const out = collect(stream);
    for (const line of ['before', ...key, 'after']) stream.write(`${line}\n`);
    stream.end();
    await once(stream, 'end');
    expect(out()).toBe('before\n[REDACTED]\nafter\n');
  });

  test('tells where a live value was found, once for each time', async () => {
    const hits: Hit[] = [];
    const redactor = createRedactor({ onHit: (hit) => hits.push(hit) });
    redactor.add('the-database-password', 'vault:db');
    const stream = redactor.redactStream({ sink: 'worker' });
    stream.resume();
    stream.write('the-database-');
    stream.end('password\n');
    await once(stream, 'end');
    expect(hits).toEqual([{ ref: 'vault:db', sink: 'worker' }]);
  });

  test('masks the output of a child process', async () => {
    const redactor = createRedactor();
    redactor.add('the-database-password', 'vault:db');
    const script = "process.stdout.write('url: the-data'); setImmediate(() => console.log('base-password'))";
    const child = spawn(process.execPath, ['-e', script], { stdio: ['ignore', 'pipe', 'inherit'] });
    const out = new PassThrough();
    await pipeline(child.stdout, redactor.redactStream({ sink: 'child' }), out);
    expect(await text(out)).toBe('url: [REDACTED]\n');
  });
});

/** What came out of a stream so far. */
function collect(stream: NodeJS.ReadableStream): () => string {
  const chunks: Buffer[] = [];
  stream.on('data', (chunk: Buffer) => chunks.push(chunk));
  return () => Buffer.concat(chunks).toString();
}
