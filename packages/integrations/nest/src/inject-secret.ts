import { type SecretInput, Secrets } from '@keyturn/core';
import { Inject } from '@nestjs/common';

/** What a {@link LiveSecret} is injected by. */
export type SecretToken = string | symbol;

/** Everything that was ever asked for: an injection needs a provider, and only classes that are loaded can ask. */
const inputs = new Map<SecretToken, SecretInput>();
const tokensOfTemplates = new Map<SecretInput, symbol>();
/** Which classes asked for what, to name them when it cannot be had. */
const askedBy = new WeakMap<object, Set<SecretToken>>();

/**
 * The token of the live secret that `input` names, for `inject` of a factory, `app.get`, and overrides in tests.
 * With `@InjectSecret` it need not be called.
 */
export function secretToken(input: SecretInput): SecretToken {
  const token = typeof input === 'string' ? `LiveSecret(${input})` : tokenOfTemplate(input);
  inputs.set(token, input);
  return token;
}

/** Injects the `Secrets` of the module into a constructor parameter or property, without type metadata. */
export function InjectSecrets(): PropertyDecorator & ParameterDecorator {
  return Inject(Secrets);
}

/**
 * Injects the {@link LiveSecret} that `input` names into a constructor parameter or property.
 *
 * A reference that is malformed, or names what the store does not have, fails at start-up with an error that names
 * the class.
 */
export function InjectSecret(input: SecretInput): PropertyDecorator & ParameterDecorator {
  const token = secretToken(input);
  const inject: (target: object, key: string | symbol | undefined, index: number) => void = Inject(token);
  return (target: object, key: string | symbol | undefined, index?: number) => {
    inject(target, key, index as number);
    // Of a property Nest gives the prototype, of a parameter the class.
    const owner = typeof target === 'function' ? target : target.constructor;
    askedBy.set(owner, (askedBy.get(owner) ?? new Set<SecretToken>()).add(token));
  };
}

/** What `token` stands for; undefined when it is no token of a secret. */
export function inputOf(token: unknown): SecretInput | undefined {
  return inputs.get(token as SecretToken);
}

/** All tokens so far. */
export function secretTokens(): SecretToken[] {
  return [...inputs.keys()];
}

/** The tokens that `type` or a class that it extends asks for by decorators. */
export function tokensAskedBy(type: unknown): SecretToken[] {
  const tokens: SecretToken[] = [];
  for (let owner = type; typeof owner === 'function'; owner = Object.getPrototypeOf(owner)) {
    tokens.push(...(askedBy.get(owner) ?? []));
  }
  return tokens;
}

function tokenOfTemplate(input: SecretInput): symbol {
  const token = tokensOfTemplates.get(input) ?? Symbol(`LiveSecret(${String(input)})`);
  tokensOfTemplates.set(input, token);
  return token;
}
