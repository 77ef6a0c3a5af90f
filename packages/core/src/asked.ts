import type { Entry, Term } from './cache/entry.js';
import { Secret, type StaleReason } from './model/secret.js';
import { parseRef } from './model/secret-ref.js';
import { SecretValue } from './model/secret-value.js';
import { type SecretInput, Template } from './model/template.js';
import { type Target, targetOf } from './provider/target.js';
import type { Clock } from './time/clock.js';

interface Answer {
  readonly entry: Entry;
  readonly term: Term;
  readonly staleReason: StaleReason | undefined;
  readonly secret: Secret;
  readonly promise: Promise<Secret>;
}

/**
 * What a caller asked for: the whole of a target, a field of it, or a template over it.
 *
 * Remembers the answer that it made last, so that asking again for a fresh value costs two comparisons and
 * hands out the same promise.
 */
export class Asked {
  readonly target: Target;
  readonly #ref: string;
  readonly #pick: (entry: Entry) => SecretValue;
  readonly #clock: Clock;
  #answer: Answer | undefined;

  /**
   * @throws SecretsError `invalid-ref` for a malformed reference
   */
  constructor(input: SecretInput, clock: Clock, derived: (target: Target, value: SecretValue) => void) {
    const isTemplate = input instanceof Template;
    const ref = parseRef(isTemplate ? input.ref : input);
    this.target = targetOf(ref);
    this.#ref = isTemplate ? `template(${this.target.ref})` : input;
    this.#clock = clock;
    const { field } = ref;
    const pick = (entry: Entry) => (field === undefined ? entry.value : entry.value.field(field, this.#ref));
    this.#pick = !isTemplate
      ? pick
      : (entry) =>
          entry.derive(`${field ?? ''}\n${input.text}`, () => {
            const value = SecretValue.wrap(input.render(pick(entry).texts(this.target.ref)));
            derived(this.target, value);
            return value;
          });
  }

  /** The last answer, while it is fresh. */
  fresh(nowMs: number): Answer | undefined {
    const answer = this.#answer;
    if (answer === undefined || answer.staleReason !== undefined) return undefined;
    const { entry, term } = answer;
    return term === entry.term && nowMs < entry.freshUntilMs ? answer : undefined;
  }

  /**
   * What was asked for, from the version in service; remembered.
   *
   * @throws SecretsError `not-found` or `bad-response` when the version lacks the field
   */
  answer(entry: Entry, staleReason: StaleReason | undefined): Answer {
    const last = this.#answer;
    if (last?.entry === entry && last.term === entry.term && last.staleReason === staleReason) return last;
    const secret = this.secret(entry, staleReason);
    this.#answer = { entry, term: entry.term, staleReason, secret, promise: Promise.resolve(secret) };
    return this.#answer;
  }

  /**
   * What was asked for, from a version that need not be in service: a consumer may yet refuse it, so it is not
   * remembered, or the next `getSecret` would hand it out.
   *
   * @throws SecretsError `not-found` or `bad-response` when the version lacks the field
   */
  secret(entry: Entry, staleReason: StaleReason | undefined): Secret {
    const { term, version, metadata } = entry;
    const lifeMs = entry.freshUntilMs - term.sentMs;
    const facts = {
      version,
      sentMonotonicMs: term.sentMs,
      expiresWallMs: Number.isFinite(lifeMs) ? term.sentWallMs + lifeMs : undefined,
      staleReason,
      metadata,
    };
    return new Secret(this.#ref, this.#pick(entry), facts, this.#clock);
  }
}
