import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';

/** One measured thing. */
export interface Row {
  readonly name: string;
  readonly value: number;
  readonly unit: string;
  /** To the floor or peer of the same run. */
  readonly ratio?: number;
  /** What `ratio` (or else `value`) must keep to. */
  readonly budget?: { readonly atMost: number } | { readonly atLeast: number };
}

/** How far a budget may be missed: ratios on a shared machine hold to about so much. */
const TOLERANCE = 0.15;
const RESULTS = new URL('./results/latest.json', import.meta.url);

/**
 * Runs each case once in turn, `rounds` times, so that whatever else the machine does meets all of them alike.
 *
 * @returns the median of what each case returned
 */
export async function medians<Name extends string>(
  rounds: number,
  cases: Readonly<Record<Name, () => number | Promise<number>>>,
): Promise<Record<Name, number>> {
  const entries = Object.entries(cases) as [Name, () => number | Promise<number>][];
  const taken = new Map<Name, number[]>(entries.map(([name]) => [name, []]));
  for (let round = 0; round < rounds; round++) {
    for (const [name, measure] of entries) taken.get(name)?.push(await measure());
  }
  const median = (values: number[]) => values.sort((a, b) => a - b)[values.length >> 1] ?? Number.NaN;
  return Object.fromEntries(entries.map(([name]) => [name, median(taken.get(name) ?? [])])) as Record<
    Name,
    number
  >;
}

/** Prints a table, keeps it in `results/latest.json`, and fails the process when a budget is missed. */
export function report(bench: string, question: string, rows: readonly Row[]): void {
  console.log(`\n${bench}: ${question}`);
  const width = Math.max(...rows.map(({ name }) => name.length));
  for (const row of rows) {
    const { name, value, unit, ratio, budget } = row;
    const kept = isKept(row);
    if (!kept) process.exitCode = 1;
    const columns = [
      name.padEnd(width),
      `${format(value)} ${unit}`.padStart(14),
      ratio === undefined ? ''.padStart(8) : `${ratio.toFixed(2)}×`.padStart(8),
      budget === undefined
        ? ''
        : `${'atMost' in budget ? `≤ ${budget.atMost}` : `≥ ${budget.atLeast}`}${kept ? '' : '  MISSED'}`,
    ];
    console.log(`  ${columns.join('  ').trimEnd()}`);
  }
  keep(bench, question, rows);
}

function isKept({ value, ratio, budget }: Row): boolean {
  if (budget === undefined) return true;
  const measured = ratio ?? value;
  return 'atMost' in budget
    ? measured <= budget.atMost * (1 + TOLERANCE)
    : measured >= budget.atLeast * (1 - TOLERANCE);
}

function keep(bench: string, question: string, rows: readonly Row[]): void {
  mkdirSync(new URL('.', RESULTS), { recursive: true });
  let results: Record<string, unknown> = {};
  try {
    results = JSON.parse(readFileSync(RESULTS, 'utf8')) as Record<string, unknown>;
  } catch {
    // The first bench of this machine.
  }
  results[bench] = { question, node: process.version, rows };
  writeFileSync(RESULTS, `${JSON.stringify(results, null, 2)}\n`);
}

function format(value: number): string {
  return value >= 100 ? Math.round(value).toLocaleString('en') : value.toPrecision(3);
}
