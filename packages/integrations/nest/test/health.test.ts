import 'reflect-metadata';
import { Secrets } from '@keyturn/core';
import { Controller, Get, Inject, Injectable } from '@nestjs/common';
import { HealthCheck, HealthCheckService, TerminusModule } from '@nestjs/terminus';
import { describe, expect, test } from 'vitest';
import { InjectSecret, type LiveSecret, SecretsHealthIndicator } from '../src/index.js';
import { createApp, handler, listen, moduleOf, PLATFORMS, stage } from './app.js';
import { CANARY } from './canary.js';

class Health {
  constructor(
    readonly checks: HealthCheckService,
    readonly secrets: SecretsHealthIndicator,
  ) {}
  check() {
    return this.checks.check([() => this.secrets.isHealthy('secrets')]);
  }
}
Controller('health')(Health);
Inject(HealthCheckService)(Health, undefined, 0);
Inject(SecretsHealthIndicator)(Health, undefined, 1);
handler(Health, 'check', Get(), HealthCheck());

describe.each(PLATFORMS)('a health check of @nestjs/terminus on %s', (platform) => {
  test('is up, up though something fails, and down when something needed is missing', async () => {
    const { store, module } = stage({ preload: false });
    class Service {
      constructor(readonly password: LiveSecret) {}
    }
    Injectable()(Service);
    InjectSecret('store:creds')(Service, undefined, 0);
    const app = await createApp(
      platform,
      moduleOf({ imports: [module, TerminusModule], controllers: [Health], providers: [Service] }),
    );
    const { secrets } = app.get(Health);
    const url = await listen(app);
    const check = async () => {
      const response = await fetch(`${url}/health`);
      const text = await response.text();
      expect(text).not.toContain(CANARY);
      return { http: response.status, ...JSON.parse(text).details.secrets };
    };
    expect(await check()).toEqual({
      http: 503,
      status: 'down',
      state: 'failing',
      missing: ['store:creds'],
      failing: [],
      providers: [{ provider: 'store', breaker: 'closed' }],
    });

    store.set('creds', { password: CANARY });
    await app.get(Secrets).rotate('store:creds');
    expect(await check()).toMatchObject({ http: 200, status: 'up', state: 'ok', missing: [] });

    store.deny('creds');
    store.ring('creds');
    await expect
      .poll(check)
      .toMatchObject({ http: 200, status: 'up', state: 'degraded', failing: ['store:creds'] });
    expect(secrets.isHealthy('other')).toHaveProperty('other.status', 'up');
    await app.close();
  });
});
