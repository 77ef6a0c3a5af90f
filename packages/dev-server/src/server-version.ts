/** The OpenBao version whose answers this server gives, and reports as its own. */
export const SERVER_VERSION = '2.7.2';
