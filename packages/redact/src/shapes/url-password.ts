import type { Rule } from './rule.js';

/** The user name, the colon, and the password up to the last `@` before the path. */
const USER_INFO =
  /:\/\/[^\0- /?#:@"'<>`[\]\\\x7f]{0,128}:((?:[^\0- /?#"'<>`[\]\\\x7f]|'(?![,:)\]}])){1,512})@/y;
/** `http://one:8080,two@three`: a port, and then something else. */
const PORT = /^\d{1,5}[,;)]/;

/** The password in a URL: `postgres://user:password@host`. A raw `/`, `?` or `#` ends it, as for URL parsers. */
export const urlPasswordRule: Rule = {
  text: '://',
  find(text, start) {
    USER_INFO.lastIndex = start;
    const password = USER_INFO.exec(text)?.[1];
    if (password === undefined || PORT.test(password)) return undefined;
    const end = USER_INFO.lastIndex - 1;
    return { span: { start: end - password.length, end, label: 'url-password' }, start, end: end + 1 };
  },
};
