import type { Rule } from './rule.js';

const HEAD = /-----BEGIN (?:[A-Z0-9]{1,20} ){0,4}PRIVATE KEY(?: BLOCK)?-----/y;
/** `Proc-Type: 4,ENCRYPTED`, `Version: GnuPG v2`: the lines between the head and the key. */
const HEADER = /(?:[\r\n ]|\\[rn]){0,6}[A-Z][A-Za-z-]{1,30}: [^\r\n\\]{0,200}(?:[\r\n]|\\[rn])/y;
/** Base64 and white space, real or escaped. */
const BODY = /[A-Za-z0-9+/=\t-\r \\]{0,14000}/y;
const FOOT = /-----END (?:[A-Z0-9]{1,20} ){0,4}PRIVATE KEY(?: BLOCK)?-----/y;
const LONGEST_FOOT = 120;
const MOST_HEADERS = 8;

/** A private key in PEM or OpenPGP armour, whole, with its line ends as they are or escaped; also a torn one. */
export const privateKeyRule: Rule = {
  text: '-----BEGIN ',
  find(text, start) {
    let end = match(HEAD, text, start);
    if (end === start) return undefined;
    const headEnd = end;
    for (let count = 0; count < MOST_HEADERS; count++) end = match(HEADER, text, end);
    const bodyEnd = match(BODY, text, end);
    end = match(FOOT, text, bodyEnd);
    const complete = end > bodyEnd;
    const open = !complete && bodyEnd + LONGEST_FOOT > text.length;
    if (end === headEnd) return open ? { span: undefined, start, end, open } : undefined;
    return { span: { start, end, label: 'private-key' }, start, end, open };
  },
};

/** Where `pattern` ends that starts at `start`; `start` itself where it does not match. */
function match(pattern: RegExp, text: string, start: number): number {
  pattern.lastIndex = start;
  return pattern.test(text) ? pattern.lastIndex : start;
}
