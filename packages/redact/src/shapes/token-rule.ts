import { SecretsError } from '@keyturn/core/provider';
import { startsWord } from '../word.js';
import type { Rule } from './rule.js';
import { LONGEST_SHAPE, type TokenShape } from './token-shape.js';

/** So long a prefix occurs in no other word by accident. */
const TELLING_PREFIX = 4;
const PREFIX = /^[!-~]{3,}$/;
const LINE_END = /[\r\n]/;

/**
 * The rule for the tokens of one vendor: the prefix stays readable, so that people know what to revoke.
 *
 * @throws SecretsError `invalid-config` for a prefix that is too short, or a pattern that is no regular expression
 */
export function tokenRule(shape: TokenShape): Rule {
  const { id, prefix, pattern, before: preceding = '' } = shape;
  if (![id, prefix, pattern, preceding].every((part) => typeof part === 'string'))
    throw unusable(shape, 'an id, prefix, pattern or before that is not a text');
  if (!PREFIX.test(prefix))
    throw unusable(shape, 'a prefix that is not three or more visible ASCII characters');
  const rest = compiled(shape, shape.pattern);
  const before = shape.before === undefined ? undefined : compiled(shape, `(?<=(${shape.before}))`);
  return {
    text: prefix,
    find(text, anchor) {
      const start = anchor - (before === undefined ? 0 : lengthBefore(before, text, anchor));
      if (before !== undefined && start === anchor) return undefined;
      if ((before !== undefined || prefix.length < TELLING_PREFIX) && !startsWord(text, start))
        return undefined;
      rest.lastIndex = anchor + prefix.length;
      if (!rest.test(text)) return undefined;
      const end = rest.lastIndex;
      // A longer run of letters and digits is something else.
      if (!startsWord(text, end) || end - start > LONGEST_SHAPE) return undefined;
      if (LINE_END.test(text.slice(start, end))) return undefined;
      const masked = before === undefined ? anchor + prefix.length : start;
      return { span: { start: masked, end, label: id }, start, end };
    },
  };
}

function lengthBefore(before: RegExp, text: string, anchor: number): number {
  before.lastIndex = anchor;
  return before.exec(text)?.[1]?.length ?? 0;
}

function compiled(shape: TokenShape, source: string): RegExp {
  try {
    return new RegExp(source, 'y');
  } catch {
    throw unusable(shape, 'a pattern that is no regular expression');
  }
}

function unusable({ id }: TokenShape, what: string): SecretsError {
  return new SecretsError('invalid-config', {
    problem: `The setting moreShapes has, under ${JSON.stringify(id)}, ${what}.`,
    remedy:
      'Look at prefix, pattern (of what follows the prefix, the source of a regular expression) and before.',
  });
}
