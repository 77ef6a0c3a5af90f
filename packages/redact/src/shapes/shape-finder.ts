import type { KeyTest } from '../keys/sensitive-keys.js';
import type { TextWindow } from '../text-window.js';
import { AnchorIndex } from './anchor-index.js';
import { assignmentRules, ownAssignmentRules } from './assignment.js';
import { httpCredentialRules } from './http-credentials.js';
import { privateKeyRule } from './private-key.js';
import type { Finding, Rule } from './rule.js';
import { tokenRule } from './token-rule.js';
import type { TokenShape } from './token-shape.js';
import { TOKEN_TABLE } from './token-table.js';
import { urlPasswordRule } from './url-password.js';

/** The index of all that is known here; the same for all redactors, and made for the first. */
let common: AnchorIndex<Rule> | undefined;

/** Finds what looks like a secret, whoever's it is. */
export class ShapeFinder {
  readonly #isSensitive: KeyTest;
  readonly #indexes: readonly AnchorIndex<Rule>[];

  /**
   * @param names names of secrets besides those that are known, which `isSensitive` knows
   * @param shapes shapes of tokens besides those that are known
   */
  constructor(isSensitive: KeyTest, names: readonly string[], shapes: readonly TokenShape[]) {
    this.#isSensitive = isSensitive;
    common ??= new AnchorIndex<Rule>([
      ...TOKEN_TABLE.map(tokenRule),
      ...assignmentRules,
      ...httpCredentialRules,
      privateKeyRule,
      urlPasswordRule,
    ]);
    const own = [...shapes.map(tokenRule), ...ownAssignmentRules(names)];
    this.#indexes = own.length === 0 ? [common] : [common, new AnchorIndex(own)];
  }

  /** Adds to `findings` what is noticed in the window of `text`. */
  collect(window: TextWindow, text: string, findings: Finding[]): void {
    for (const index of this.#indexes) {
      index.scan(window, text, (rule, start) => {
        const finding = rule.find(text, start, this.#isSensitive);
        if (finding !== undefined) findings.push(finding);
      });
    }
  }
}
