/**
 * A request that the server declines: the status and the texts of its `errors` array.
 *
 * Thrown by engines and turned into an answer by the gateway. The texts are the server's own and never hold a
 * secret.
 */
export class Refusal extends Error {
  readonly status: number;
  readonly errors: readonly string[];
  /**
   * Whether this is a fault inside the server rather than a considered answer. To an authenticated caller the
   * server prints a fault as a list of one: `1 error occurred:\n\t* …\n\n`; a login gets it plain.
   */
  readonly fault: boolean;

  constructor(status: number, errors: readonly string[], fault = false) {
    super(errors.join('; '));
    this.name = 'Refusal';
    this.status = status;
    this.errors = errors;
    this.fault = fault;
  }
}

/** The request cannot be granted as it stands (400 unless said otherwise). */
export function refused(error: string, status = 400): Refusal {
  return new Refusal(status, [error]);
}

/** Something failed while the request was carried out (500 unless said otherwise). */
export function failed(error: string, status = 500): Refusal {
  return new Refusal(status, [error], true);
}

/** There is nothing at this path: 404 with an empty list of errors. */
export function notFound(): Refusal {
  return new Refusal(404, []);
}

/** The token is unknown, expired, revoked, or absent. */
export function permissionDenied(): Refusal {
  return refused('permission denied', 403);
}

/** What `thrown` says, in one line. */
export function messageOf(thrown: unknown): string {
  return thrown instanceof Error ? thrown.message : String(thrown);
}

/** One failure as Go's multierror prints it. */
export function oneError(error: string): string {
  return `1 error occurred:\n\t* ${error}\n\n`;
}
