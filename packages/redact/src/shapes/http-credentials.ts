import { startsWord } from '../word.js';
import { looksRandom } from './randomness.js';
import type { Rule } from './rule.js';

const BEARER = /[\w.~+/=-]{16,4096}/y;
const BASIC = /[A-Za-z0-9+/]{8,1024}={0,2}/y;
const USER_AND_PASSWORD = /^[ -9;-~\x80-\xff]*:[ -~\x80-\xff]*$/;

/** The credentials after the scheme in an Authorization header, wherever that is written: `Bearer …`, `Basic …`. */
export const httpCredentialRules: readonly Rule[] = [
  rule('bearer ', BEARER, looksRandom),
  rule('basic ', BASIC, isUserAndPassword),
];

function rule(scheme: string, pattern: RegExp, holds: (credentials: string) => boolean): Rule {
  return {
    text: scheme,
    anyCase: true,
    find(text, anchor) {
      if (!startsWord(text, anchor)) return undefined;
      const start = anchor + scheme.length;
      pattern.lastIndex = start;
      const credentials = pattern.exec(text)?.[0];
      if (credentials === undefined || !holds(credentials)) return undefined;
      const end = start + credentials.length;
      return { span: { start, end, label: 'http-credentials' }, start: anchor, end };
    },
  };
}

function isUserAndPassword(base64: string): boolean {
  return USER_AND_PASSWORD.test(Buffer.from(base64, 'base64').toString('latin1'));
}
