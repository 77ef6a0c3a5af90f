// @ts-check
import { spawn } from 'node:child_process';
import { join } from 'node:path';
import { rootDir } from './workspace-packages.mjs';

/**
 * @typedef {object} CommandResult
 * @property {number} status its exit code; 1 when a signal ended it
 * @property {string} output both streams together
 * @property {number} tookMs
 */

/**
 * Runs a program to its end and keeps what it says. Says every 15 s that it still runs, if it has a label.
 *
 * @param {string} command
 * @param {readonly string[]} args
 * @param {object} [options]
 * @param {string} [options.cwd]
 * @param {Record<string, string | undefined>} [options.env]
 * @param {string} [options.label] for the progress lines
 * @returns {Promise<CommandResult>}
 */
export function runCommand(command, args, { cwd = rootDir, env = process.env, label } = {}) {
  return new Promise((resolve) => {
    const startedMs = performance.now();
    const tookMs = () => performance.now() - startedMs;
    const child = spawn(command, args, { cwd, env, stdio: ['ignore', 'pipe', 'pipe'] });
    let output = '';
    for (const stream of [child.stdout, child.stderr]) {
      stream.setEncoding('utf8').on('data', (chunk) => {
        output += chunk;
      });
    }
    const progress = setInterval(() => {
      if (label !== undefined) console.log(`${label} … ${seconds(tookMs())}`);
    }, 15_000);
    /** @param {number} status */
    const end = (status) => {
      clearInterval(progress);
      resolve({ status, output, tookMs: tookMs() });
    };
    child.on('error', (error) => {
      output += error.message;
      end(1);
    });
    child.on('close', (code) => end(code ?? 1));
  });
}

/**
 * Runs one of the tools in node_modules.
 *
 * @param {string} script below node_modules
 * @param {readonly string[]} args
 * @param {Parameters<typeof runCommand>[2] & { node?: string }} [options] `node`: the one to run it with; this one
 */
export function runTool(script, args, { node = process.execPath, ...options } = {}) {
  return runCommand(node, [join(rootDir, 'node_modules', script), ...args], options);
}

/** @param {number} durationMs */
export function seconds(durationMs) {
  return `${(durationMs / 1_000).toFixed(1)} s`;
}
