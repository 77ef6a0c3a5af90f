import 'reflect-metadata';
import { pid } from 'node:process';
import type { Secrets } from '@keyturn/core';
import { createRedactor } from '@keyturn/redact';
import { token, vault } from '@keyturn/vault';
import { Controller, Get, Module, Post } from '@nestjs/common';
import { APP_FILTER, APP_INTERCEPTOR, NestFactory } from '@nestjs/core';
import {
  InjectSecret,
  InjectSecrets,
  KeyturnModule,
  type LiveSecret,
  RedactingExceptionFilter,
  RedactingInterceptor,
  RedactingLogger,
} from '../src/index.js';

/**
 * An application as its users write it: decorators, no type metadata, a database credential that is leased. Prints
 * its address, and ends when it is told to by a signal.
 */
const { VAULT_ADDR = '', VAULT_TOKEN = '', EXIT = '' } = process.env;
const CREDENTIAL = 'vault:database/creds/orders';
const redactor = createRedactor();

@Controller()
class OrdersController {
  constructor(
    @InjectSecret(CREDENTIAL) private readonly credential: LiveSecret,
    @InjectSecrets() private readonly secrets: Secrets,
  ) {}

  @Get('user')
  user() {
    const { username, password } = this.credential.current.revealFields();
    return { username, leaked: password };
  }

  @Post('rotate')
  async rotate() {
    const { version } = this.credential.current;
    await this.secrets.rotate(CREDENTIAL);
    return { rotated: this.credential.current.version !== version };
  }

  @Get('broken')
  broken() {
    throw new Error(`cannot log in with ${this.credential.current.field('password').reveal()}`);
  }
}

@Module({
  imports: [
    KeyturnModule.forRoot({
      providers: { vault: vault({ address: VAULT_ADDR, auth: token({ token: VAULT_TOKEN }) }) },
      redactor,
      responseRedactor: createRedactor({ shapes: false }),
    }),
  ],
  controllers: [OrdersController],
  providers: [
    { provide: APP_INTERCEPTOR, useClass: RedactingInterceptor },
    { provide: APP_FILTER, useClass: RedactingExceptionFilter },
  ],
})
class AppModule {}

const app = await NestFactory.create(AppModule, { logger: new RedactingLogger(redactor) });
app.enableShutdownHooks(['SIGTERM'], { useProcessExit: EXIT === 'by exit' });
await app.listen(0, '127.0.0.1');
console.log(`process ${pid} listens at ${await app.getUrl()}`);
