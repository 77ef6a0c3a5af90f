/** A value that must show nowhere. */
export const CANARY = 'canary Zq7#xV"91/pass';
/** What an application may well hand out: it looks like a secret, and is the client's own. */
export const ISSUED_TOKEN =
  'eyJhbGciOiJIUzI1NiIsInR5cCI6IkpXVCJ9.eyJzdWIiOiIxMjM0NTY3ODkwIn0.dozjgNryP4J3jVmNHl0w5N_XgL0n3I9PlFUP0THsR8U';
