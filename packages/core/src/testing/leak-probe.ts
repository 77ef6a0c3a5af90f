import { AssertionError } from 'node:assert';
import { canaryForms, formIn, withoutCanaries } from './leaks/canary-forms.js';
import { exposuresOf } from './leaks/exposures.js';
import { reachableFrom } from './leaks/reachable.js';
import { tapProcess } from './leaks/taps.js';

/** Where a canary was found. Never what it is. */
export interface Leak {
  /** What was looked into: what the caller called it, `stderr`, `console.log`, `the channel keyturn.…`. */
  readonly where: string;
  /** How it shows there: `JSON.stringify`, or the way through the members of an object. */
  readonly how: string;
  /** How it was written: `plain`, `base64`, … */
  readonly form: string;
}

/** Looks for canaries wherever a secret could get out. */
export interface LeakProbe {
  /** Looks for more canaries from now on. */
  add(...canaries: readonly string[]): void;
  /** Looks into `subject` as loggers, debuggers, crash reports and serializers do. `where` names it in a report. */
  inspect(subject: unknown, where: string): void;
  /** What was found so far. */
  readonly leaks: readonly Leak[];
  /** @throws AssertionError that says where a canary was found, without showing it */
  assertClean(): void;
  /** Listens no more, and puts everything back as it was. Idempotent. */
  stop(): void;
  [Symbol.dispose](): void;
}

/**
 * Starts to look for `canaries`, which are values that stand nowhere but in a store: in what the process says (the
 * console, stdout and stderr, process warnings, the `keyturn.*` channels) and in what is given to `inspect`. Finds
 * them escaped, encoded and as bytes, too.
 *
 * Somebody now listens to `keyturn.refresh-failed`, so the warning that Keyturn gives where nobody does is not given;
 * what it would say is looked into all the same.
 *
 * ```ts
 * const probe = leakProbe(['canary-1f0e']);
 * try {
 *   await run();
 *   probe.inspect(error, 'the error');
 *   probe.assertClean();
 * } finally {
 *   probe.stop();
 * }
 * ```
 *
 * @throws SecretsError `invalid-config` for a canary of fewer than 6 characters
 */
export function leakProbe(canaries: readonly string[]): LeakProbe {
  const forms = canaries.flatMap(canaryForms);
  const leaks: Leak[] = [];

  const look = (text: string, where: string, how: string) => {
    const form = formIn(text, forms);
    if (form === undefined) return;
    const leak = { where: withoutCanaries(where, forms), how: withoutCanaries(how, forms), form };
    if (!leaks.some((each) => each.where === leak.where && each.how === leak.how)) leaks.push(leak);
  };
  const lookInto = (subject: unknown, where: string) => {
    if (typeof subject === 'string') {
      look(subject, where, 'the text');
      return;
    }
    for (const { way, text } of exposuresOf(subject)) look(text, where, way);
    for (const { path, text } of reachableFrom(subject)) look(text, where, path === '' ? 'itself' : path);
  };

  const stop = tapProcess(lookInto);
  return {
    add(...more) {
      forms.push(...more.flatMap(canaryForms));
    },
    inspect: lookInto,
    get leaks() {
      return [...leaks];
    },
    assertClean() {
      if (leaks.length === 0) return;
      const places = new Set(leaks.map(({ where }) => where));
      const lines = Array.from(places, (place) => {
        const ways = leaks.filter(({ where }) => where === place).map(({ how, form }) => `${how} (${form})`);
        return `\n- ${place}: ${ways.join(', ')}`;
      });
      throw new AssertionError({ message: `A secret value can be seen in:${lines.join('')}` });
    },
    stop,
    [Symbol.dispose]: stop,
  };
}

/**
 * Asserts that none of `canaries` can be seen in any of `subjects`.
 *
 * ```ts
 * assertNoLeak([error, logLines], ['canary-1f0e']);
 * ```
 *
 * @throws AssertionError that says where a canary was found, without showing it
 */
export function assertNoLeak(subjects: readonly unknown[], canaries: readonly string[]): void {
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
