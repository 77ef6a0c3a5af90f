import type { Envelope } from '../answer.js';
import { invalidConfig, refuseUnknown } from '../invalid-config.js';
import { objectOf, textOf } from '../json-object.js';
import type { Auth } from './auth.js';
import { readCredentialFile, unusableFile, WORD } from './credential-file.js';
import { Unwrapped } from './unwrapped.js';

/** A file with a token: what an agent writes, or `vault login`. */
export interface TokenFileConfig {
  readonly path: string;
}

const SETTING = 'auth: tokenFile.path';

/** Where an agent wraps what it writes: in its sink (`sys/wrapping/wrap`) or in its auto_auth method (a login). */
const WRAPPED_BY_AGENT = /^(?:sys\/wrapping\/wrap|auth\/.+\/login(?:\/.+)?)$/;

/**
 * The token in a file that an agent keeps: read at each login, and again when it is denied something and the file has
 * changed. Where the agent wraps it, it is unwrapped. Renewed where it can be, and never revoked: it is not ours.
 *
 * @throws SecretsError `invalid-config`
 */
export function tokenFile(config: TokenFileConfig): Auth {
  refuseUnknown(config, ['path'], 'auth: tokenFile.');
  const { path } = config;
  if (typeof path !== 'string' || path === '') throw invalidConfig(SETTING, 'is missing');
  const unwrapped = new Unwrapped();
  const advice = `It came by ${SETTING}.`;
  let last: string | undefined;

  return {
    method: 'tokenFile',
    advice: `Check the token in the file of ${SETTING}, and the agent that writes it.`,
    async read(reading) {
      const content = await readCredentialFile(path, SETTING, reading.signal);
      last = content;
      if (!content.startsWith('{')) return { token: wordIn(content, path) };
      const token = wrappingTokenIn(content, path);
      return {
        token: await unwrapped.open({ token, madeAt: WRAPPED_BY_AGENT, advice }, reading, tokenIn(path)),
      };
    },
    async hasChanged(signal) {
      const content = await readCredentialFile(path, SETTING, signal).catch(() => last);
      return content !== last;
    },
  };
}

function wordIn(content: string, path: string): string {
  if (WORD.test(content)) return content;
  throw unusableFile(path, SETTING, 'holds neither a token nor what an agent wraps one in');
}

/** The agent writes `{"token": …, "creation_path": …}`; one that encrypts its sink writes other JSON. */
function wrappingTokenIn(content: string, path: string): string {
  let token: string | undefined;
  try {
    token = textOf(objectOf(JSON.parse(content))?.token);
  } catch {
    // Said below, without the parser's words: they quote the content.
  }
  if (token !== undefined && WORD.test(token)) return token;
  throw unusableFile(path, SETTING, 'holds JSON without a wrapping token (an encrypted sink is not read)');
}

/** A sink that wraps holds the token itself, a method that wraps the answer to the login. */
const tokenIn =
  (path: string) =>
  ({ data, auth }: Envelope): string => {
    const token = textOf(data?.token) ?? textOf(auth?.client_token);
    if (token !== undefined && WORD.test(token)) return token;
    throw unusableFile(path, SETTING, 'holds a wrapping token with something else than a token in it');
  };
