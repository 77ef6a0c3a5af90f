import { spawn } from 'node:child_process';
import { once } from 'node:events';
import http from 'node:http';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { guard } from '../servers/guarded-process.mjs';

const FOLDER = fileURLToPath(new URL('../../examples/express-pg/', import.meta.url));

/** Starts the example as a user would, on a port of its choice, and tells what it says line by line. */
export async function startService(file, env, said) {
  const child = spawn(process.execPath, [file], {
    cwd: FOLDER,
    env: { ...process.env, ...env, PORT: '0' },
    stdio: ['ignore', 'pipe', 'inherit'],
    // A group of its own: a Ctrl-C is for the demo, which then ends the service as an operator would.
    detached: true,
  });
  const dismiss = guard(child.pid, 'SIGTERM');
  const exited = once(child, 'exit').then(([code, signal]) => code ?? signal);
  exited.then(dismiss);
  const port = await new Promise((resolve, reject) => {
    createInterface({ input: child.stdout }).on('line', (line) => {
      const [, listening] = /^listening on (\d+)$/.exec(line) ?? [];
      if (listening === undefined) said(line);
      else resolve(Number(listening));
    });
    exited.then((code) => reject(new Error(`the service ended at its start (${code})`)));
  });
  return {
    port,
    signal: (name) => child.kill(name),
    exited,
    /** What the service says about its secrets; undefined when it has no such page. */
    status: () => getJson(port, '/status'),
  };
}

function getJson(port, path) {
  return new Promise((resolve) => {
    http
      .get({ host: '127.0.0.1', port, path, timeout: 2_000 }, (answer) => {
        const chunks = [];
        answer.on('data', (chunk) => chunks.push(chunk));
        answer.on('end', () =>
          resolve(answer.statusCode === 200 ? JSON.parse(Buffer.concat(chunks)) : undefined),
        );
      })
      .on('error', () => resolve(undefined));
  });
}
