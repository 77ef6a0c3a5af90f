import { report } from './harness.js';
import { createRedactor, measure } from './redact/measure.js';
import { randomFrom, values } from './redact/workload.js';

/*
 * Question: what does it cost to register one more value beside 5,000, with all its forms?
 * Budget: 50 µs for letters and digits. Other signs have two to five times the forms; that is shown.
 */
const BATCH = 100;
const ROUNDS = 15;
const SIGNS = '"\'\\/&<>=+ %$#@!?:;';
const known = values(5_000);
const plain = values(BATCH * (ROUNDS + 1), 7);
const below = randomFrom(8);
const odd = values(BATCH * (ROUNDS + 1), 9).map((value) =>
  Array.from(value, (one, index) => (index % 4 === 0 ? SIGNS.charAt(below(SIGNS.length)) : one)).join(''),
);

function adding(list: readonly string[]) {
  let redactor = createRedactor();
  let next = 0;
  return {
    prepare() {
      redactor = createRedactor();
      for (const [index, value] of known.entries()) redactor.add(value, `bench:${index}`);
    },
    run: () => redactor.add(list[next++ % list.length] as string, 'bench:added'),
    batch: BATCH,
  };
}

const added = measure(ROUNDS, { 'letters and digits': adding(plain), 'a quarter other signs': adding(odd) });
report('redact-add', 'what does it cost to add a value to 5,000?', [
  { ...added.row('letters and digits'), budget: { atMost: 50 } },
  added.row('a quarter other signs'),
]);
