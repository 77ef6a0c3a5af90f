import pino from 'pino';
import { report } from './harness.js';
import { createRedactor, measure } from './redact/measure.js';
import { values } from './redact/workload.js';

/*
 * Question: what does a logger cost whose every line is redacted, with 5,000 known values?
 * Peer: the same logger without it. Budgets: 1.4 times on a line of 600 bytes, 1.6 times on one of 150.
 */
const everything = createRedactor();
const valuesOnly = createRedactor({ shapes: false });
for (const [index, value] of values(5_000).entries()) {
  everything.add(value, `bench:${index}`);
  valuesOnly.add(value, `bench:${index}`);
}

const request = {
  req: {
    id: '8c1b1f6e-7f0a-4b57-9f36-0e7f6c1d2a3b',
    method: 'GET',
    url: '/api/v1/orders/12345?expand=items',
    headers: {
      host: 'orders.example.com',
      'user-agent': 'Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36',
      accept: 'application/json',
      'x-request-id': '8c1b1f6e-7f0a-4b57-9f36-0e7f6c1d2a3b',
    },
  },
  res: {
    statusCode: 200,
    headers: { 'content-type': 'application/json; charset=utf-8', 'content-length': '1234' },
  },
  responseTime: 12.5,
  tenant: 'acme',
  route: '/api/v1/orders/:id',
};
const paths = ['req.headers.authorization', 'req.headers.cookie', 'password', '*.token', 'user.secret'];
const discard = { write: (line: string) => void line.length };
const destinations = {
  'a file (/dev/null)': pino.destination({ dest: '/dev/null', sync: true }),
  'a stream that drops them': discard,
};

for (const [where, destination] of Object.entries(destinations)) {
  const plain = pino({}, destination);
  const all = pino({ hooks: { streamWrite: (line) => everything.redact(line, 'pino') } }, destination);
  const known = pino({ hooks: { streamWrite: (line) => valuesOnly.redact(line, 'pino') } }, destination);
  const byPath = pino({ redact: paths }, destination);
  for (const [size, merge, atMost] of [
    [600, request, 1.4],
    [150, { orderId: 12_345, tenant: 'acme', durationMs: 12, attempt: 1 }, 1.6],
  ] as const) {
    const logged = measure(31, {
      'pino alone': { run: () => plain.info(merge, 'request completed') },
      'with redact': { run: () => all.info(merge, 'request completed') },
      'with redact, no keys or tokens': { run: () => known.info(merge, 'request completed') },
      'with five redact paths of pino': { run: () => byPath.info(merge, 'request completed') },
    });
    // What drops its lines never reads them, so the first who reads pays for putting them together: no budget.
    const budget = destination === discard ? undefined : atMost;
    report(
      `redact-pino-${size}-${destination === discard ? 'dropped' : 'file'}`,
      `a line of ${size} bytes to ${where}?`,
      [
        logged.row('pino alone'),
        logged.row('with redact', 'pino alone', budget),
        logged.row('with redact, no keys or tokens', 'pino alone', budget),
        logged.row('with five redact paths of pino', 'pino alone'),
      ],
    );
  }
}
