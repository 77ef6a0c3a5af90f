/** Whether the value under a key must be masked, whatever it is. */
export type KeyTest = (name: string) => boolean;

/** Names that are a secret's as a whole, in lower case and without separators. */
const NAMES = [
  'auth',
  'cookie',
  'cookies',
  'cvc',
  'cvv',
  'dsn',
  'jwt',
  'otp',
  'pass',
  'pin',
  'privatekeypem',
  'recoverykeys',
  'secretid',
  'sessionid',
  'setcookie',
  'signedcookies',
  'sid',
  'unsealkeys',
];

/** Endings that make any name a secret's: `dbPassword`, `X-Vault-Token`, `stripe_secret_key`. */
const ENDING =
  /(?:authorization|bearer|connectionstring|credentials?|passphrase|password|passwd|pwd|secret|token|(?:access|account|api|encryption|hmac|master|private|secret|session|shared|signing|unseal)key)s?$/;

/** Names that end like a secret and are none: places in a list, and fetch's `cancelToken`. */
const HARMLESS =
  /^(?:max|min|num|total|prompt|completion|input|output|used|cached)\w*tokens?$|^tokens$|(?:cancel|cancellation|continuation|page|next|pagination|sync)token$/;

/**
 * Tells by its name whether a key holds a secret.
 *
 * Case and the separators `-`, `_`, `.` and space make no difference: `x-api-key`, `apiKey` and `API_KEY` are one.
 *
 * @param additional further names that count as a whole
 */
export function sensitiveKeys(additional: readonly string[] = []): KeyTest {
  const names = new Set([...NAMES, ...additional.map(canonical)]);
  const known = new Map<string, boolean>();
  return (name) => {
    let sensitive = known.get(name);
    if (sensitive === undefined) {
      const plain = canonical(name);
      sensitive = names.has(plain) || (ENDING.test(plain) && !HARMLESS.test(plain));
      // A caller whose keys are data must not fill the memory.
      if (known.size < 1_000) known.set(name, sensitive);
    }
    return sensitive;
  };
}

function canonical(name: string): string {
  return name
    .slice(0, 128)
    .toLowerCase()
    .replace(/[-_. ]/g, '');
}
