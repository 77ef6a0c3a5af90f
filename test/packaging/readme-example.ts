/** What an example may ask for in the comment before it. */
export const SERVERS = ['postgres', 'openbao', 'ministack'] as const;
export type Server = (typeof SERVERS)[number];

/** A runnable example of a README. */
export interface ReadmeExample {
  readonly language: 'js' | 'ts';
  readonly needs: readonly Server[];
  readonly code: string;
  /** Line of its fence in the README, from 1. */
  readonly line: number;
}

const FENCE = /^```(js|ts)$/;
const COMMENT = /^<!-- example: needs ([a-z ]+) -->$/;
const MARK = /^<!-- example\b.*-->$/;

/**
 * The examples of a README that must run: its first block that begins with exactly three backticks and `js` or `ts`,
 * and every other such block that has a comment of its own.
 *
 * `<!-- example: needs postgres openbao -->` on the line before a block (an empty line may stand between) names the
 * servers that it needs; `<!-- example -->` says that it needs none.
 *
 * @throws {Error} when a comment names something that there is no server for, or a block does not end
 */
export function readmeExamples(text: string): ReadmeExample[] {
  const lines = text.split(/\r?\n/);
  const examples: ReadmeExample[] = [];
  lines.forEach((line, index) => {
    const language = FENCE.exec(line)?.[1];
    if (language === undefined) return;
    const comment = lines.slice(Math.max(0, index - 2), index).findLast((before) => before.trim() !== '');
    const marked = comment !== undefined && MARK.test(comment.trim());
    if (examples.length > 0 && !marked) return;
    const end = lines.indexOf('```', index);
    if (end === -1) throw new Error(`The block at line ${index + 1} does not end.`);
    examples.push({
      language: language as 'js' | 'ts',
      needs: marked ? needsOf(comment.trim()) : [],
      code: lines.slice(index + 1, end).join('\n'),
      line: index + 1,
    });
  });
  return examples;
}

function needsOf(comment: string): Server[] {
  if (comment === '<!-- example -->') return [];
  const words = COMMENT.exec(comment)?.[1]?.split(' ') ?? [];
  const unknown = words.filter((word) => !(SERVERS as readonly string[]).includes(word));
  if (words.length === 0 || unknown.length > 0) {
    throw new Error(`${comment}: it may name ${SERVERS.join(' and ')}.`);
  }
  return words as Server[];
}
