/**
 * What PostgreSQL's errors say about the credential that a connection was opened with. Pure.
 *
 * Wrong, expired, dropped and unknown roles all answer 28P01 under SCRAM; NOLOGIN and pg_hba answer 28000. A
 * role that is dropped under a live session leaves it half alive: `select 1` works, a table answers 42501,
 * `current_user` 42704; when its backends are terminated as well, 57P01.
 */
const REFUSALS: ReadonlySet<unknown> = new Set(['28P01', '28000']);
const SUSPICIONS: ReadonlySet<unknown> = new Set(['42501', '42704', '57P01']);
const INSUFFICIENT_PRIVILEGE = '42501';
const UNDEFINED_OBJECT = '42704';
/** The server's function that looks up the name of a session's role. */
const ROLE_LOOKUP = 'GetUserNameFromId';

/** SQLSTATE classes of a server that is out of reach, resources or service, whoever asks. */
const SERVER_TROUBLE = /^(?:08|53|57P|58)/;
/** Node's codes of a network that does not deliver. */
const NETWORK_TROUBLE = /^E[A-Z_]{3,}$/;
/** Errors of pg that carry no code. */
const LOST_CONNECTION = /^(?:Connection terminated|timeout e)/;

const TOO_MANY_CONNECTIONS = '53300';

/** Whether the server refused the login itself. */
export function isRefusal(error: unknown): error is object {
  return REFUSALS.has(codeOf(error));
}

/**
 * Whether a statement failed as it does when the role of its session is gone: or for want of a grant.
 *
 * A missing type or setting is 42704 as well; the server says which of its functions missed something.
 */
export function isSuspicious(error: unknown): boolean {
  const code = codeOf(error);
  if (code !== UNDEFINED_OBJECT) return SUSPICIONS.has(code);
  const { routine } = error as { readonly routine?: unknown };
  return routine === undefined || routine === ROLE_LOOKUP;
}

/** Whether a suspicious failure may be for want of a grant as well. */
export function mayWantGrant(error: unknown): boolean {
  return codeOf(error) === INSUFFICIENT_PRIVILEGE;
}

/** Whether a failure to connect leaves open if the credential works: the next attempt may tell. */
export function isUndecided(error: unknown): boolean {
  const code = codeOf(error);
  if (typeof code === 'string') return SERVER_TROUBLE.test(code) || NETWORK_TROUBLE.test(code);
  return error instanceof Error && LOST_CONNECTION.test(error.message);
}

/** Whether the server has no room for one more connection. */
export function isServerFull(error: unknown): boolean {
  return codeOf(error) === TOO_MANY_CONNECTIONS;
}

function codeOf(error: unknown): unknown {
  return typeof error === 'object' && error !== null && 'code' in error ? error.code : undefined;
}
