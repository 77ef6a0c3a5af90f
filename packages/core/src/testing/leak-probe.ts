import { subscribe, unsubscribe } from 'node:diagnostics_channel';
import { inspect } from 'node:util';
import { EVENT_NAMES } from '../diagnostics.js';

/** Looks for canaries wherever a secret could get out. */
export interface LeakProbe {
  /**
   * Looks into `subject` as a logger, a debugger or a crash report would: inspected to any depth with hidden
   * members, as JSON, as text, and an error with its stack and causes.
   *
   * @param where names it in the failure
   */
  inspect(subject: unknown, where: string): void;
  /** Throws, naming each place and never the canary, when one was found anywhere. */
  assertClean(): void;
  /** Puts everything back as it was. */
  stop(): void;
}

/**
 * Starts to look for `canaries` (values that a test has put into a store): in what is written to stdout and
 * stderr, in process warnings, in the events on `keyturn.*` channels, and in what is given to `inspect`. Also
 * finds their base64, hex, URL-encoded and JSON-escaped forms.
 *
 * ```ts
 * const probe = leakProbe(['canary-1f0e']);
 * probe.inspect(secret, 'the secret');
 * probe.assertClean();
 * probe.stop();
 * ```
 */
export function leakProbe(canaries: readonly string[]): LeakProbe {
  const forms = canaries.flatMap(formsOf);
  const places = new Set<string>();
  const look = (text: string, where: string) => {
    if (forms.some((form) => text.includes(form))) places.add(where);
  };
  const lookInto = (subject: unknown, where: string) => {
    for (const text of printed(subject)) look(text, where);
  };

  const onWarning = (warning: Error) => lookInto(warning, 'a process warning');
  process.on('warning', onWarning);
  const channels = EVENT_NAMES.map((event) => `keyturn.${event}`);
  const onEvent = (payload: unknown, channel: string | symbol) =>
    lookInto(payload, `the event ${String(channel)}`);
  for (const channel of channels) subscribe(channel, onEvent);
  const restore = [process.stdout, process.stderr].map((stream) => {
    const { write } = stream;
    stream.write = function (this: typeof stream, chunk: string | Uint8Array, ...rest: never[]) {
      look(
        typeof chunk === 'string' ? chunk : Buffer.from(chunk).toString('latin1'),
        'what the process writes',
      );
      return (write as (...all: unknown[]) => boolean).call(this, chunk, ...rest);
    } as typeof write;
    return () => {
      stream.write = write;
    };
  });

  return {
    inspect: lookInto,
    assertClean() {
      if (places.size === 0) return;
      throw new Error(`A canary was found in: ${[...places].join('; ')}.`);
    },
    stop() {
      process.off('warning', onWarning);
      for (const channel of channels) unsubscribe(channel, onEvent);
      for (const undo of restore) undo();
    },
  };
}

/**
 * Throws when one of `canaries`, or a form of it, can be seen in one of `subjects`.
 *
 * ```ts
 * assertNoLeak(['canary-1f0e'], [error, logLines]);
 * ```
 */
export function assertNoLeak(canaries: readonly string[], subjects: readonly unknown[]): void {
  const probe = leakProbe(canaries);
  try {
    subjects.forEach((subject, place) => {
      probe.inspect(subject, `subject ${place}`);
    });
    probe.assertClean();
  } finally {
    probe.stop();
  }
}

function formsOf(canary: string): string[] {
  const bytes = Buffer.from(canary);
  return [
    canary,
    JSON.stringify(canary).slice(1, -1),
    encodeURIComponent(canary),
    bytes.toString('hex'),
    bytes.toString('base64').replace(/=+$/, ''),
    bytes.toString('base64url'),
  ];
}

function* printed(subject: unknown, depth = 0): Iterable<string> {
  yield inspect(subject, { depth: Number.POSITIVE_INFINITY, showHidden: true, maxStringLength: null });
  for (const print of [
    () => String(subject),
    () => JSON.stringify(subject) ?? '',
    () => `${Object.entries(Object(subject))}`,
  ]) {
    try {
      yield print();
    } catch {
      // What cannot be printed this way does not leak this way.
    }
  }
  if (!(subject instanceof Error) || depth > 8) return;
  yield subject.stack ?? '';
  yield* printed(subject.cause, depth + 1);
  if (subject instanceof AggregateError) for (const error of subject.errors) yield* printed(error, depth + 1);
}
