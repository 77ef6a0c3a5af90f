// @ts-check
import { spawn } from 'node:child_process';
import { readdirSync, readFileSync, rmSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';

/**
 * Reads from its parent's pipe. The end of the file means that the parent is gone, however it died (even by
 * SIGKILL, when no exit handler runs): the guard then ends the server and removes its data.
 */
const GUARD = `
trap '' INT TERM HUP QUIT
if read -r dismissed; then exit 0; fi
kill -CONT "$1" 2>/dev/null
kill "-$2" "$1" 2>/dev/null
tries=0
while kill -0 "$1" 2>/dev/null && [ $tries -lt 30 ]; do tries=$((tries + 1)); sleep 0.1; done
kill -KILL "$1" 2>/dev/null
[ -n "$3" ] && rm -rf -- "$3"
`;

/** @typedef {'SIGTERM' | 'SIGQUIT' | 'SIGKILL'} StopSignal */

/**
 * @typedef {object} GuardedProcess
 * @property {number} pid
 * @property {() => string} output what it has written so far, both streams
 * @property {(pattern: RegExp, timeoutMs?: number) => Promise<string>} said
 *   resolves with the output once `pattern` matches it; rejects when the process ends first, or after `timeoutMs`
 * @property {() => Promise<void>} ended resolves when the process has ended, however it did
 * @property {() => boolean} running
 * @property {(signal: NodeJS.Signals) => void} signal sends a signal to this process alone
 * @property {() => Promise<void>} pause stops it where it is (SIGSTOP); resolves once no thread of it runs any more
 * @property {() => Promise<void>} stop ends it, waits for it, removes `dataDir`; idempotent
 * @property {() => void} dismiss lets go of a process that has ended and keeps `dataDir`, for a successor
 */

/**
 * Ends the process `pid` by `stopSignal`, and removes `dataDir`, when this process is gone, however it died.
 *
 * @param {number} pid
 * @param {StopSignal} stopSignal
 * @param {string} [dataDir]
 * @returns {() => void} lets go of it
 */
export function guard(pid, stopSignal, dataDir = '') {
  const watcher = spawn('sh', ['-c', GUARD, 'guard', String(pid), stopSignal.slice(3), dataDir], {
    stdio: ['pipe', 'ignore', 'ignore'],
  });
  watcher.stdin.on('error', () => {});
  unref(watcher);
  unref(watcher.stdin);
  return () => {
    watcher.stdin.end('dismissed\n');
  };
}

/**
 * Starts a server that cannot outlive this process.
 *
 * @param {object} options
 * @param {string} options.command
 * @param {readonly string[]} options.args
 * @param {StopSignal} options.stopSignal what ends it at once and cleanly
 * @param {string} [options.dataDir] removed when it has been stopped
 * @param {Record<string, string | undefined>} [options.env]
 * @param {number | undefined} [options.uid]
 * @param {number | undefined} [options.gid]
 * @returns {GuardedProcess}
 */
export function spawnGuarded({ command, args, stopSignal, dataDir, env = process.env, uid, gid }) {
  const child = spawn(command, args, {
    env,
    stdio: ['ignore', 'pipe', 'pipe'],
    ...(uid === undefined ? {} : { uid }),
    ...(gid === undefined ? {} : { gid }),
  });
  const pid = child.pid;
  /** @type {Error | undefined} */
  let failure;
  let running = pid !== undefined;
  let output = '';
  /** @type {Set<() => void>} */
  const listeners = new Set();
  const notify = () => {
    for (const listener of listeners) listener();
  };
  for (const stream of [child.stdout, child.stderr]) {
    stream.setEncoding('utf8').on('data', (chunk) => {
      // Enough to explain a failed start; a server under load for an hour must not fill the memory.
      output = output.length > 200_000 ? output.slice(-100_000) + chunk : output + chunk;
      notify();
    });
  }
  const ended = /** @type {Promise<void>} */ (
    new Promise((resolve) => {
      const end = () => {
        running = false;
        notify();
        resolve();
      };
      child.once('exit', end);
      child.once('error', (error) => {
        failure = error;
        end();
      });
    })
  );
  const dismiss = pid === undefined ? () => {} : guard(pid, stopSignal, dataDir);
  // What this process waits for is its own business; a server is no reason to stay.
  for (const handle of [child, child.stdout, child.stderr]) unref(handle);

  /** @type {Promise<void> | undefined} */
  let stopping;
  return {
    pid: pid ?? -1,
    output: () => output,
    ended() {
      if (running) child.ref();
      return ended;
    },
    running: () => running,
    said(pattern, timeoutMs = 60_000) {
      return new Promise((resolve, reject) => {
        const deadline = setTimeout(() => settle(`did not say ${pattern} within ${timeoutMs} ms`), timeoutMs);
        const check = () => {
          if (pattern.test(output)) settle();
          else if (!running) settle(failure === undefined ? 'ended' : failure.message);
        };
        /** @param {string} [problem] */
        const settle = (problem) => {
          clearTimeout(deadline);
          listeners.delete(check);
          if (problem === undefined) resolve(output);
          else reject(new Error(`${command} ${problem}:\n${output.slice(-4_000)}`));
        };
        listeners.add(check);
        check();
      });
    },
    signal(signal) {
      if (running) child.kill(signal);
    },
    async pause() {
      if (!running) return;
      child.kill('SIGSTOP');
      while (running && !isStopped(pid ?? -1)) await sleep(1);
    },
    dismiss,
    stop() {
      stopping ??= (async () => {
        if (running) {
          child.kill('SIGCONT');
          child.kill(stopSignal);
          const impatient = new AbortController();
          const overdue = sleep(10_000, undefined, { signal: impatient.signal }).then(
            () => child.kill('SIGKILL'),
            () => {},
          );
          await this.ended();
          impatient.abort();
          await overdue;
        }
        if (dataDir !== undefined) rmSync(dataDir, { recursive: true, force: true });
        dismiss();
      })();
      return stopping;
    },
  };
}

/**
 * Whether every thread of a process is stopped. The signal takes a moment to reach them all, in which a server can
 * still answer. Where there is no /proc, the moment is not waited for.
 *
 * @param {number} pid
 */
function isStopped(pid) {
  try {
    return readdirSync(`/proc/${pid}/task`).every((thread) =>
      /^State:\s+T/m.test(readFileSync(`/proc/${pid}/task/${thread}/status`, 'utf8')),
    );
  } catch {
    return true;
  }
}

/** @param {unknown} handle a process or one end of its pipe, both of which have `unref` at run time */
function unref(handle) {
  const { unref } = /** @type {{ unref?: () => void }} */ (handle ?? {});
  unref?.call(handle);
}
