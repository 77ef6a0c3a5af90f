import { createServer, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';

/** One call, as the SDK sent it. */
export interface AwsCall {
  /** Such as `GetSecretValue`. */
  readonly action: string;
  readonly input: Readonly<Record<string, unknown>>;
  readonly headers: Readonly<Record<string, string | string[] | undefined>>;
}

/** An answer, or what happens in its place. */
export type AwsAnswer =
  | { readonly result: object }
  | { readonly error: string; readonly message?: string; readonly status?: number; readonly date?: string }
  | { readonly text: string; readonly status?: number }
  | 'hang'
  | 'reset'
  | 'cut';

/** A server that speaks AWS's JSON protocol and says what a test tells it to: faults that no emulator has. */
export interface ScriptedAws {
  readonly endpoint: string;
  readonly calls: readonly AwsCall[];
  /** How often an action was called. */
  count(action: string): number;
  /** How many connections are open. */
  connections(): Promise<number>;
  stop(): Promise<void>;
}

export async function startScriptedAws(answer: (call: AwsCall) => AwsAnswer): Promise<ScriptedAws> {
  const calls: AwsCall[] = [];
  const server = createServer((request, response) => {
    let body = '';
    request.setEncoding('utf8').on('data', (chunk: string) => {
      body += chunk;
    });
    request.on('end', () => {
      const action = String(request.headers['x-amz-target']).split('.').at(-1) ?? '';
      const call = { action, input: JSON.parse(body || '{}'), headers: request.headers };
      calls.push(call);
      give(answer(call), response);
    });
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return {
    endpoint: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    calls,
    count: (action) => calls.filter((call) => call.action === action).length,
    connections: () =>
      new Promise((resolve, reject) => {
        server.getConnections((error, count) => (error ? reject(error) : resolve(count)));
      }),
    stop: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
}

function give(answer: AwsAnswer, response: ServerResponse): void {
  if (answer === 'hang') return;
  if (answer === 'reset') {
    response.socket?.resetAndDestroy();
    return;
  }
  response.setHeader('Content-Type', 'application/x-amz-json-1.1');
  if (answer === 'cut') {
    response.writeHead(200, { 'Content-Length': 500 }).write('{"SecretString":"');
    setImmediate(() => response.destroy());
    return;
  }
  if ('text' in answer) {
    response.writeHead(answer.status ?? 200).end(answer.text);
    return;
  }
  if ('result' in answer) {
    response.writeHead(200).end(JSON.stringify(answer.result));
    return;
  }
  if (answer.date !== undefined) response.setHeader('Date', answer.date);
  response
    .writeHead(answer.status ?? 400)
    .end(JSON.stringify({ __type: answer.error, message: answer.message, Message: answer.message }));
}
