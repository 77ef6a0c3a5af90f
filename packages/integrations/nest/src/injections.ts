import type { SecretInput } from '@keyturn/core';
import type { ModulesContainer } from '@nestjs/core';
import { inputOf, type SecretToken, tokensAskedBy } from './inject-secret.js';

/** A secret that an application injects somewhere. */
export interface Injection {
  readonly token: SecretToken;
  readonly input: SecretInput;
  /** Names of the classes, and of the providers with a factory, that it is injected into. */
  readonly classes: string[];
}

/** What of a provider or controller tells what it has injected. */
type Wrapper = { readonly metatype: unknown; readonly inject?: unknown; readonly name: unknown };

/** Every secret that the classes and factories of an application ask for: of this one, not of others in the process. */
export function injectionsIn(modules: ModulesContainer): Injection[] {
  const found = new Map<SecretToken, Injection>();
  for (const { providers, controllers, injectables } of modules.values()) {
    for (const wrapper of [...providers.values(), ...controllers.values(), ...injectables.values()]) {
      for (const { token, name } of asksOf(wrapper)) {
        const input = inputOf(token);
        if (input === undefined) continue;
        const injection = found.get(token) ?? { token, input, classes: [] };
        if (!injection.classes.includes(name)) injection.classes.push(name);
        found.set(token, injection);
      }
    }
  }
  return [...found.values()];
}

function asksOf({ metatype, inject, name }: Wrapper): { token: SecretToken; name: string }[] {
  if (!Array.isArray(inject)) {
    const owner = typeof metatype === 'function' ? metatype.name : String(name);
    return tokensAskedBy(metatype).map((token) => ({ token, name: owner }));
  }
  // A factory: a token, or one with `optional`.
  const tokens = inject.map((asked: unknown) =>
    typeof asked === 'object' && asked !== null && 'token' in asked ? asked.token : asked,
  );
  return tokens.map((token) => ({ token: token as SecretToken, name: `the provider ${String(name)}` }));
}
