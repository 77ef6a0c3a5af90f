/**
 * Makes a promise of a call that takes a callback, in the application's kind of promise.
 *
 * The stack of an error is taken anew where the promise settles, as pg does, so that it leads to the code that
 * asked rather than to a socket.
 */
export function promised(
  Kind: PromiseConstructor,
  start: (settle: (error: unknown, result?: unknown) => void) => void,
): Promise<unknown> {
  let settle: (error: unknown, result?: unknown) => void = () => {};
  const outcome = new Kind((resolve, reject) => {
    settle = (error, result) => (error ? reject(error) : resolve(result));
  }).catch((error) => {
    Error.captureStackTrace(error);
    throw error;
  });
  start(settle);
  return outcome;
}
