import type { Entry } from './cache/entry.js';
import { Secret, type SecretFacts, type StaleReason } from './model/secret.js';
import { parseRef } from './model/secret-ref.js';
import { SecretValue } from './model/secret-value.js';
import { isTemplate, ONLY, type SecretInput, type Template } from './model/template.js';
import { type Target, targetOf } from './provider/target.js';
import type { Resolved } from './resolver.js';
import type { Clock } from './time/clock.js';

interface Answer {
  readonly entries: readonly Entry[];
  /** Until when each of them was to be handed out then: a renewal, of its login too, makes that later. */
  readonly untilMs: readonly number[];
  readonly staleReason: StaleReason | undefined;
  readonly secret: Secret;
  readonly promise: Promise<Secret>;
}

/** Told of a value that was made from others, at `target`. */
type Derived = (target: Target, value: SecretValue) => void;

/** One reference of what was asked for: a target, as a whole or a field of it. */
interface Part {
  /** What a template calls it. */
  readonly name: string;
  /** The target's place among the targets. */
  readonly place: number;
  readonly ref: string;
  readonly field: string | undefined;
}

/**
 * What a caller asked for: the whole of a target, a field of it, or a template over one or several.
 *
 * Remembers the answer that it made last, so that asking again for a fresh value costs a few comparisons and hands out
 * the same promise.
 */
export class Asked {
  /** What it needs, each once: two fields of one secret are of one version. */
  readonly targets: readonly Target[];
  /** What it is called. */
  readonly ref: string;
  readonly #input: SecretInput;
  readonly #parts: readonly Part[];
  readonly #clock: Clock;
  readonly #derived: Derived;
  #answer: Answer | undefined;
  #pending: Promise<Secret> | undefined;

  /**
   * @throws SecretsError `invalid-ref` for a malformed reference
   */
  constructor(input: SecretInput, clock: Clock, derived: Derived) {
    const targets: Target[] = [];
    const parts: Part[] = [];
    for (const [name, text] of isTemplate(input) ? Object.entries(input.refs) : [[ONLY, input] as const]) {
      const ref = parseRef(text);
      const target = targetOf(ref);
      const known = targets.findIndex((other) => other.ref === target.ref);
      const place = known === -1 ? targets.push(target) - 1 : known;
      parts.push({ name, place, ref: text, field: ref.field });
    }
    this.targets = targets;
    this.ref = typeof input === 'string' ? input : `template(${targets.map(({ ref }) => ref).join(', ')})`;
    this.#input = input;
    this.#parts = parts;
    this.#clock = clock;
    this.#derived = derived;
  }

  /** The last answer, while it is fresh. */
  fresh(nowMs: number): Answer | undefined {
    const answer = this.#answer;
    if (answer === undefined || answer.staleReason !== undefined) return undefined;
    const { entries, untilMs } = answer;
    for (let place = 0; place < entries.length; place++) {
      const { freshUntilMs } = entries[place] as Entry;
      if (nowMs >= freshUntilMs || freshUntilMs !== untilMs[place]) return undefined;
    }
    return answer;
  }

  /** What `resolve` gives, for all who ask while it is under way. */
  shared(resolve: () => Promise<Secret>): Promise<Secret> {
    if (this.#pending !== undefined) return this.#pending;
    const pending = resolve();
    const settled = () => {
      this.#pending = undefined;
    };
    pending.then(settled, settled);
    this.#pending = pending;
    return pending;
  }

  /**
   * What was asked for, from the versions in service; remembered.
   *
   * @throws SecretsError `not-found` or `bad-response` when a version lacks the field
   */
  answer(resolved: readonly Resolved[]): Answer {
    const staleReason = resolved.find((part) => part.staleReason !== undefined)?.staleReason;
    const last = this.#answer;
    const isSame = resolved.every(
      ({ entry }, place) => last?.entries[place] === entry && last.untilMs[place] === entry.freshUntilMs,
    );
    if (last !== undefined && isSame && last.staleReason === staleReason) return last;
    const entries = resolved.map(({ entry }) => entry);
    const secret = this.secret(entries, staleReason);
    const untilMs = entries.map(({ freshUntilMs }) => freshUntilMs);
    this.#answer = { entries, untilMs, staleReason, secret, promise: Promise.resolve(secret) };
    return this.#answer;
  }

  /**
   * What was asked for, from versions that need not be in service: a consumer may yet refuse one, so it is not
   * remembered, or the next `getSecret` would hand it out.
   *
   * @throws SecretsError `not-found` or `bad-response` when a version lacks the field
   */
  secret(entries: readonly Entry[], staleReason?: StaleReason): Secret {
    return new Secret(this.ref, this.#value(entries), factsOf(entries, staleReason), this.#clock);
  }

  #value(entries: readonly Entry[]): SecretValue {
    const input = this.#input;
    if (isTemplate(input)) return this.#rendered(input, entries);
    return this.#valueOf(ONLY, entries).value;
  }

  /** The part of that name, and what it is called. */
  #valueOf(name: string, entries: readonly Entry[]): { readonly value: SecretValue; readonly ref: string } {
    const { place, ref, field } = this.#parts.find((part) => part.name === name) as Part;
    const { value } = entries[place] as Entry;
    return { value: field === undefined ? value : value.field(field, ref), ref };
  }

  /** Kept with the version that came last: others stay while that changes, and it goes out of use with it. */
  #rendered(input: Template, entries: readonly Entry[]): SecretValue {
    const newest = entries.reduce((one, other) => (other.sinceMs > one.sinceMs ? other : one));
    const recipe = [input.text, ...Object.values(input.refs), versionOf(entries)].join('\n');
    return newest.derive(recipe, () => {
      const text = input.render((name, field) => {
        const { value, ref } = this.#valueOf(name, entries);
        return (field === undefined ? value : value.field(field, ref)).single(ref).toString('utf8');
      });
      const value = SecretValue.wrap(text);
      this.#derived(newest.target, value);
      return value;
    });
  }
}

/** The version of what is made from several: all of theirs. */
function versionOf(entries: readonly Entry[]): string {
  return entries.map(({ version }) => version).join('+');
}

/** What holds of all `entries` together: the earliest end, the oldest age. */
function factsOf(entries: readonly Entry[], staleReason: StaleReason | undefined): SecretFacts {
  const endsWallMs = entries.map(({ term, freshUntilMs }) => term.sentWallMs + freshUntilMs - term.sentMs);
  const expiresWallMs = Math.min(...endsWallMs);
  const [only, ...others] = entries;
  return {
    version: versionOf(entries),
    sentMonotonicMs: Math.min(...entries.map(({ term }) => term.sentMs)),
    expiresWallMs: Number.isFinite(expiresWallMs) ? expiresWallMs : undefined,
    staleReason,
    metadata: others.length === 0 && only !== undefined ? only.metadata : {},
  };
}
