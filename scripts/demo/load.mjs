import http from 'node:http';
import { setTimeout as sleep } from 'node:timers/promises';

/**
 * Drives the service on `port` with `workers` requests at a time: three reads to one write, until stopped.
 * Every answer other than 200 or 201 is a failure.
 */
export function startLoad({ port, workers = 16, pauseMs = 4 }) {
  const agent = new http.Agent({ keepAlive: true, maxSockets: workers });
  const figures = { served: 0, failed: 0, reasons: new Map() };
  let latenciesMs = [];
  let running = true;

  const request = (method, path, body) =>
    new Promise((resolve, reject) => {
      const headers = body === undefined ? {} : { 'content-type': 'application/json' };
      const sent = http.request(
        { agent, host: '127.0.0.1', port, method, path, headers, timeout: 15_000 },
        (answer) => {
          const chunks = [];
          answer.on('data', (chunk) => chunks.push(chunk));
          answer.on('end', () =>
            resolve({ status: answer.statusCode, body: Buffer.concat(chunks).toString() }),
          );
          answer.on('error', reject);
        },
      );
      sent.on('timeout', () => sent.destroy(Object.assign(new Error('no answer'), { code: 'NO_ANSWER' })));
      sent.on('error', reject);
      sent.end(body);
    });

  const fail = (reason) => {
    figures.failed++;
    figures.reasons.set(reason, (figures.reasons.get(reason) ?? 0) + 1);
  };

  async function work(worker) {
    for (let turn = worker; running; turn++) {
      const startMs = performance.now();
      try {
        const answer =
          turn % 4 === 0
            ? await request('POST', '/orders', JSON.stringify({ item: 'key', quantity: 1 + (turn % 9) }))
            : await request('GET', `/orders/${1 + (turn % 50)}`);
        if (answer.status === 200 || answer.status === 201) figures.served++;
        else fail(JSON.parse(answer.body).error ?? `status ${answer.status}`);
      } catch (error) {
        fail(error.code ?? error.name);
      }
      latenciesMs.push(performance.now() - startMs);
      await sleep(pauseMs);
    }
  }

  const working = Promise.all(Array.from({ length: workers }, (_, worker) => work(worker)));
  return {
    figures,
    /** The p50 and p99 of the requests that ended since the last call, in milliseconds. */
    takeLatencies() {
      const sorted = latenciesMs.sort((a, b) => a - b);
      latenciesMs = [];
      const at = (share) => sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))] ?? 0;
      return { count: sorted.length, p50Ms: at(0.5), p99Ms: at(0.99) };
    },
    async stop() {
      running = false;
      await working;
      agent.destroy();
    },
  };
}
