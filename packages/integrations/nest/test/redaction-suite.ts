import { EventEmitter } from 'node:events';
import { Readable } from 'node:stream';
import { assertNoLeak } from '@keyturn/redact';
import {
  type ArgumentsHost,
  BadRequestException,
  ConsoleLogger,
  Controller,
  Get,
  HttpException,
  Logger,
  StreamableFile,
} from '@nestjs/common';
import { APP_FILTER, APP_INTERCEPTOR } from '@nestjs/core';
import { ClientProxyFactory, MessagePattern, RpcException, Transport } from '@nestjs/microservices';
import { firstValueFrom, of } from 'rxjs';
import { afterEach, describe, expect, test, vi } from 'vitest';
import {
  InjectSecret,
  RedactingExceptionFilter,
  RedactingInterceptor,
  RedactingLogger,
} from '../src/index.js';
import { createApp, handler, listen, moduleOf, PLATFORMS, type Platform, stage } from './app.js';
import { CANARY, ISSUED_TOKEN } from './canary.js';

class Row {
  password = CANARY;
}

class ValidationError extends HttpException {
  readonly #fields = { password: ['is too short'], dsn: CANARY };
  constructor() {
    super('invalid', 422);
  }
  override getResponse() {
    return this.#fields;
  }
}

class Answers {
  text() {
    return `password is ${CANARY}`;
  }
  object() {
    return { rows: [new Row()], access_token: ISSUED_TOKEN, at: new Date(0), [CANARY]: 1, password: 'mine' };
  }
  observable() {
    return of({ url: `db://orders:${encodeURIComponent(CANARY)}@host` });
  }
  file() {
    return new StreamableFile(Readable.from([Buffer.from(CANARY)]));
  }
  nothing() {}
  bad() {
    throw new BadRequestException([`password ${CANARY} is refused`]);
  }
  validated() {
    throw new ValidationError();
  }
  teapot() {
    throw new HttpException(`no ${CANARY}`, 418);
  }
  broken() {
    throw new Error(`login with ${CANARY} failed`, { cause: new Error(`cause ${CANARY}`) });
  }
  thrownText() {
    throw `text ${CANARY}`;
  }
}
Controller()(Answers);
InjectSecret('store:db')(Answers, undefined, 0);
for (const name of Object.getOwnPropertyNames(Answers.prototype)) {
  if (name !== 'constructor') handler(Answers, name, Get(name));
}

/** What is written to standard output and error until the test ends. */
function captureOutput(): { text(): string } {
  const pieces: string[] = [];
  for (const stream of [process.stdout, process.stderr]) {
    vi.spyOn(stream, 'write').mockImplementation((piece) => pieces.push(String(piece)) > 0);
  }
  return { text: () => pieces.join('') };
}
afterEach(() => {
  vi.restoreAllMocks();
});

/** What keeps secrets in, in any Nest; run once with each major. */
export function testRedaction(): void {
  const start = async (platform: Platform) => {
    const { module, redactor } = stage();
    const app = await createApp(
      platform,
      moduleOf({
        imports: [module],
        controllers: [Answers],
        providers: [
          { provide: APP_INTERCEPTOR, useClass: RedactingInterceptor },
          { provide: APP_FILTER, useClass: RedactingExceptionFilter },
        ],
      }),
      { logger: new RedactingLogger(redactor) },
    );
    return { app, url: await listen(app), redactor };
  };
  const answerOf = async (url: string) => {
    const response = await fetch(url);
    const text = await response.text();
    return { status: response.status, text };
  };

  describe.each(PLATFORMS)('answers on %s', (platform) => {
    test('are masked where they show a value, and left alone elsewhere', async () => {
      captureOutput();
      const { app, url } = await start(platform);
      expect(await answerOf(`${url}/text`)).toEqual({ status: 200, text: 'password is [REDACTED]' });
      expect(JSON.parse((await answerOf(`${url}/object`)).text)).toEqual({
        rows: [{ password: '[REDACTED]' }],
        access_token: ISSUED_TOKEN,
        at: '1970-01-01T00:00:00.000Z',
        '[REDACTED]': 1,
        password: 'mine',
      });
      expect((await answerOf(`${url}/observable`)).text).toBe('{"url":"db://orders:[REDACTED]@host"}');
      expect((await answerOf(`${url}/file`)).text).toBe(CANARY);
      expect((await answerOf(`${url}/nothing`)).text).toBe('');
      await app.close();
    });

    test('of exceptions are masked, and so is what is logged of them', async () => {
      const output = captureOutput();
      const { app, url, redactor } = await start(platform);
      expect(JSON.parse((await answerOf(`${url}/bad`)).text)).toEqual({
        statusCode: 400,
        error: 'Bad Request',
        message: ['password [REDACTED] is refused'],
      });
      expect(JSON.parse((await answerOf(`${url}/validated`)).text)).toEqual({
        password: ['is too short'],
        dsn: '[REDACTED]',
      });
      expect(await answerOf(`${url}/teapot`)).toEqual({
        status: 418,
        text: '{"statusCode":418,"message":"no [REDACTED]"}',
      });
      expect((await answerOf(`${url}/broken`)).status).toBe(500);
      expect((await answerOf(`${url}/thrownText`)).status).toBe(500);
      expect((await answerOf(`${url}/${encodeURIComponent(CANARY)}`)).text).toContain('[REDACTED]');
      await app.close();
      expect(output.text()).not.toContain('has no decorator metadata');
      expect(output.text()).toContain('login with [REDACTED] failed');
      expect(output.text()).toContain('cause [REDACTED]');
      assertNoLeak(output.text(), redactor);
      assertNoLeak(output.text(), [CANARY]);
    });
  });

  test('a filter that Nest did not make answers by the adapter that it is given', async () => {
    captureOutput();
    const { module, redactor } = stage();
    const app = await createApp('express', moduleOf({ imports: [module], controllers: [Answers] }));
    app.useGlobalFilters(new RedactingExceptionFilter(redactor, app.getHttpAdapter()));
    expect((await answerOf(`${await listen(app)}/teapot`)).text).toContain('no [REDACTED]');
    await app.close();
  });

  describe('exceptions of other transports', () => {
    test('a remote caller is answered as Nest does, masked', async () => {
      const output = captureOutput();
      class Remote {
        refused() {
          throw new RpcException(`no ${CANARY}`);
        }
        broken() {
          throw new Error(`broken ${CANARY}`);
        }
        fine() {
          return { password: CANARY };
        }
      }
      Controller()(Remote);
      InjectSecret('store:db')(Remote, undefined, 0);
      for (const name of ['refused', 'broken', 'fine']) handler(Remote, name, MessagePattern(name));
      const { module, redactor } = stage();
      const app = await createApp(
        'express',
        moduleOf({
          imports: [module],
          controllers: [Remote],
          providers: [
            { provide: APP_INTERCEPTOR, useClass: RedactingInterceptor },
            { provide: APP_FILTER, useClass: RedactingExceptionFilter },
          ],
        }),
        { logger: new RedactingLogger(redactor) },
      );
      const service = app.connectMicroservice(
        { transport: Transport.TCP, options: { host: '127.0.0.1', port: 0 } },
        { inheritAppConfig: true },
      );
      await app.startAllMicroservices();
      const { port } = service.unwrap<import('node:net').Server>().address() as { port: number };
      const client = ClientProxyFactory.create({
        transport: Transport.TCP,
        options: { host: '127.0.0.1', port },
      });
      const call = (name: string) => firstValueFrom(client.send(name, {}));
      expect(await call('fine')).toEqual({ password: '[REDACTED]' });
      await expect(call('refused')).rejects.toEqual({ status: 'error', message: 'no [REDACTED]' });
      await expect(call('broken')).rejects.toEqual({ status: 'error', message: 'Internal server error' });
      client.close();
      await app.close();
      expect(output.text()).toContain('broken [REDACTED]');
      assertNoLeak(output.text(), [CANARY]);
    });
  });

  test.each(['ws', 'graphql'])('an exception of %s is masked too', (type) => {
    captureOutput();
    const { redactor } = stage();
    redactor.add(CANARY, 'store:db#password');
    const filter = new RedactingExceptionFilter(redactor);
    const client = new EventEmitter();
    const emitted: unknown[] = [];
    client.on('exception', (answer) => emitted.push(answer));
    const host = { getType: () => type, switchToWs: () => ({ getClient: () => client }) };
    const refuse = () => filter.catch(new RpcException(`no ${CANARY}`), host as unknown as ArgumentsHost);
    if (type === 'graphql') expect(refuse).toThrow('no [REDACTED]');
    else refuse();
    expect(emitted).toEqual(type === 'ws' ? [{ status: 'error', message: 'no [REDACTED]' }] : []);
  });

  describe('the logger', () => {
    test.each([false, true])('masks messages, objects, stacks and contexts; json: %s', (json) => {
      const { redactor } = stage();
      redactor.add(CANARY, 'store:db#password');
      const output = captureOutput();
      const logger = new RedactingLogger(redactor, new ConsoleLogger({ json, colors: false }));
      const error = new Error(`error ${CANARY}`, { cause: { dsn: CANARY } });
      for (const level of ['log', 'warn', 'error', 'debug', 'verbose', 'fatal'] as const) {
        logger[level](`text ${CANARY}`, { nested: [CANARY] }, error, `context ${CANARY}`);
        logger[level](() => `late ${CANARY}`);
        logger[level](error);
      }
      logger.error('stack', error.stack, 'Orders');
      logger.log(RedactingLogger);
      expect(output.text()).toContain('context [REDACTED]');
      // Nest 11 drops a message that is a function in its JSON mode.
      if (!json) expect(output.text()).toContain('late [REDACTED]');
      if (!json) expect(output.text()).toContain('RedactingLogger');
      assertNoLeak(output.text(), [CANARY]);
      logger.setLogLevels(['fatal']);
      const before = output.text();
      logger.log('no more');
      expect(output.text()).toBe(before);
    });

    test('masks what was buffered before it was there', async () => {
      const output = captureOutput();
      const { module, redactor } = stage();
      class Service {}
      InjectSecret('store:db')(Service, undefined, 0);
      const app = await createApp('express', moduleOf({ imports: [module], providers: [Service] }), {
        logger: new ConsoleLogger(),
        bufferLogs: true,
      });
      new Logger('Early').log(`early ${CANARY}`);
      app.useLogger(new RedactingLogger(redactor));
      app.flushLogs();
      new Logger('Later').warn(`later ${CANARY}`);
      await app.close();
      expect(output.text()).toContain('early [REDACTED]');
      expect(output.text()).toContain('later [REDACTED]');
      assertNoLeak(output.text(), [CANARY]);
    });
  });

  test.each([
    ['RedactingLogger', 'redactor', () => new RedactingLogger(undefined as never)],
    ['RedactingInterceptor', 'responseRedactor', () => new RedactingInterceptor({} as never)],
    ['RedactingExceptionFilter', 'redactor', () => new RedactingExceptionFilter(undefined as never)],
  ])('%s without a redactor is refused', (name, setting, make) => {
    expect(make).toThrow(expect.objectContaining({ code: 'invalid-config' }));
    expect(make).toThrow(`${name} was given no redactor. Set ${setting} of KeyturnModule`);
  });
}
