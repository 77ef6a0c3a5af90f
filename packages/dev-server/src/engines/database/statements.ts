import { isUtf8 } from 'node:buffer';

/** Placeholders and what stands for them. */
export type StatementValues = Readonly<Record<string, string>>;

/** A statement that cannot be sent. */
export class StatementError extends Error {}

/**
 * The SQL commands of a role's statements, filled in and ready to be run one by one.
 *
 * Each statement may itself be several, parted by semicolons, and may come base64-encoded. One that contains the
 * word `END` outside quotes is a block (`DO $$ … END $$`) and is kept whole.
 *
 * @throws StatementError for a statement that looks like base64 and decodes to something that is not text
 */
export function sqlCommands(statements: readonly string[], values: StatementValues): string[] {
  return statements
    .flatMap((statement) => (isBlock(statement) ? [statement] : decoded(statement).split(';')))
    .map((command) => command.trim())
    .filter((command) => command !== '')
    .map((command) => fill(command, values));
}

/** A text as a quoted SQL identifier. */
export function sqlIdentifier(name: string): string {
  return `"${name.replace(/"/g, '""')}"`;
}

function fill(command: string, values: StatementValues): string {
  return command.replace(/\{\{(\w+)\}\}/g, (placeholder, name: string) => values[name] ?? placeholder);
}

function isBlock(statement: string): boolean {
  return /\bEND\b/.test(statement.replace(/".*?"|'.*?'/g, ''));
}

/** Any text of letters, digits, `+` and `/` in whole groups of four is base64, as the server reads it. */
function decoded(statement: string): string {
  const text = statement.trim();
  if (text === '' || text.length % 4 !== 0 || !/^[A-Za-z0-9+/]+={0,2}$/.test(text)) return statement;
  const bytes = Buffer.from(text, 'base64');
  if (!isUtf8(bytes)) {
    const first = bytes.find((_, index) => !isUtf8(bytes.subarray(0, index + 1))) ?? 0;
    throw new StatementError(
      `ERROR: invalid byte sequence for encoding "UTF8": 0x${first.toString(16)} (SQLSTATE 22021)`,
    );
  }
  return bytes.toString('utf8');
}
