import { findSensitiveValues, scrub } from '@zapier/secret-scrubber';
import fastRedact from 'fast-redact';
import { report } from './harness.js';
import { createRedactor, measure } from './redact/measure.js';
import { values } from './redact/workload.js';

/*
 * Question: what does it cost to make an object safe to log?
 * Floor: JSON.stringify, which the logger calls anyway. No budget: fast-redact looks at three places, we at all.
 */
const request = {
  id: '8c1b1f6e-7f0a-4b57-9f36-0e7f6c1d2a3b',
  method: 'POST',
  url: '/api/v1/orders?expand=items',
  headers: { host: 'orders.example.com', authorization: 'Bearer abc', cookie: 'sid=1', accept: 'text/html' },
  user: { id: 4_711, name: 'somebody', password: 'x', roles: ['admin', 'reader'] },
  items: Array.from({ length: 10 }, (_, index) => ({
    id: index,
    label: `article ${index}`,
    price: index * 1.5,
  })),
};
const byPath = fastRedact({
  paths: ['headers.authorization', 'headers.cookie', 'user.password'],
  serialize: JSON.stringify,
});
const redactor = createRedactor();
for (const [index, value] of values(5_000).entries()) redactor.add(value, `bench:${index}`);

const safe = measure(21, {
  'JSON.stringify': { run: () => JSON.stringify(request) },
  'fast-redact, 3 paths': { run: () => byPath(request) },
  '@zapier/secret-scrubber': { run: () => JSON.stringify(scrub(request, findSensitiveValues(request))) },
  'redactObject, 5,000 values': { run: () => JSON.stringify(redactor.redactObject(request)) },
  'redact of the JSON, 5,000 values': { run: () => redactor.redact(JSON.stringify(request)) },
});
report('redact-object', 'what does it cost to make an object of 50 properties safe to log?', [
  safe.row('JSON.stringify'),
  safe.row('fast-redact, 3 paths', 'JSON.stringify'),
  safe.row('@zapier/secret-scrubber', 'JSON.stringify'),
  safe.row('redactObject, 5,000 values', 'JSON.stringify'),
  safe.row('redact of the JSON, 5,000 values', 'JSON.stringify'),
]);
