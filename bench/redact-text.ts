import { AhoCorasick } from '@monyone/aho-corasick';
import ModernAhoCorasick from 'modern-ahocorasick';
import { report } from './harness.js';
import { type Case, createRedactor, measure } from './redact/measure.js';
import { flat, logText, values } from './redact/workload.js';

/*
 * Question: what does it cost to look for every known value in a log line, and in a body?
 * Budgets: a line of 2 KB costs at most 1.5 times as much with 5,000 values as with 10, and with a hit as without
 * one; a body of 1 MB at most 2.5 times one indexOf. Peers look for the values alone, not for their forms.
 */
const MOST = 5_000;
const known = values(MOST);
const line = logText(2_048);
const lineWithHit = flat(`${line.slice(0, 1_000)}${known[77]}${line.slice(1_032)}`);
const body = logText(1_048_576);

function knowing(count: number, shapes: boolean) {
  const redactor = createRedactor({ shapes });
  for (const [index, value] of known.slice(0, count).entries()) redactor.add(value, `bench:${index}`);
  return redactor;
}

const [few, many] = [knowing(10, true), knowing(MOST, true)];
const [fewValues, manyValues] = [knowing(10, false), knowing(MOST, false)];
const needles = values(32, 99);
let turn = 0;

const lines = measure(41, {
  '10 values': { run: () => few.redact(line) },
  '5,000 values': { run: () => many.redact(line) },
  '5,000 values, one hit': { run: () => many.redact(lineWithHit) },
  '10 values, no keys or tokens': { run: () => fewValues.redact(line) },
  '5,000 values, no keys or tokens': { run: () => manyValues.redact(line) },
  '5,000 values, no keys or tokens, one hit': { run: () => manyValues.redact(lineWithHit) },
});
report('redact-line', 'what does redact cost on a line of 2 KB?', [
  lines.row('10 values'),
  lines.row('5,000 values', '10 values', 1.5),
  lines.row('5,000 values, one hit', '5,000 values', 1.5),
  lines.row('10 values, no keys or tokens'),
  lines.row('5,000 values, no keys or tokens', '10 values, no keys or tokens', 1.5),
  lines.row('5,000 values, no keys or tokens, one hit', '5,000 values, no keys or tokens'),
]);

const floor = { run: () => body.indexOf(needles[turn++ % needles.length] as string), batch: needles.length };
const bodies = measure(31, {
  'one indexOf': floor,
  '5,000 values, no keys or tokens': { run: () => manyValues.redact(body) },
});
const bodiesWithShapes = measure(11, {
  'one indexOf': floor,
  '5,000 values': { run: () => many.redact(body) },
});
report('redact-body', 'what does redact cost on a body of 1 MB?', [
  bodies.row('one indexOf'),
  bodies.row('5,000 values, no keys or tokens', 'one indexOf', 2.5),
  bodiesWithShapes.row('5,000 values', 'one indexOf'),
]);

function peers(count: number): Record<string, Case> {
  const some = known.slice(0, count);
  const alternation = new RegExp(some.join('|'), 'g');
  const automaton = new AhoCorasick(some);
  const modern = new ModernAhoCorasick(some);
  return {
    [`regular expression, ${count}`]: { run: () => line.replace(alternation, '[REDACTED]') },
    [`includes in a loop, ${count}`]: { run: () => some.some((value) => line.includes(value)) },
    [`@monyone/aho-corasick, ${count}`]: { run: () => automaton.matchInText(line) },
    [`modern-ahocorasick, ${count}`]: { run: () => modern.search(line) },
  };
}

const OURS = 'redact, 5,000 with all forms';
const others: Record<string, Case> = Object.assign({}, ...[10, 100, 1_000, MOST].map(peers));
const compared = measure<string>(9, { [OURS]: { run: () => manyValues.redact(line) }, ...others });
report('redact-peers', 'what do other ways cost on a line of 2 KB, by number of values?', [
  compared.row(OURS),
  ...Object.keys(others).map((name) => compared.row(name, OURS)),
]);
