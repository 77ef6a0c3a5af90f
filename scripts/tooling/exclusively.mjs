// @ts-check
import { createHash, randomUUID } from 'node:crypto';
import { linkSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { rootDir } from './workspace-packages.mjs';

/**
 * Does `work` while no other process does the same in this repository; waits for the other one first.
 *
 * The lock is a file that holds its owner's pid, put in place by one atomic link. The lock of a process that is gone
 * is taken away, so that a setup that was killed does not block the next.
 *
 * @template Result
 * @param {string} name
 * @param {() => Promise<Result>} work
 * @returns {Promise<Result>}
 */
export async function exclusively(name, work) {
  const place = createHash('sha256').update(rootDir).digest('hex').slice(0, 16);
  const lock = join(tmpdir(), `keyturn-${name}-${place}.lock`);
  const mine = `${lock}.${randomUUID()}`;
  writeFileSync(mine, String(process.pid));
  try {
    for (let said = false; !linked(mine, lock); ) {
      const owner = ownerOf(lock);
      if (owner !== undefined && !isAlive(owner)) {
        removeLockOf(owner, lock);
        continue;
      }
      if (!said) console.log(`${name}: waiting for process ${owner}, which does the same`);
      said = true;
      await sleep(200);
    }
  } finally {
    rmSync(mine, { force: true });
  }
  try {
    return await work();
  } finally {
    rmSync(lock, { force: true });
  }
}

/** @param {string} from @param {string} to */
function linked(from, to) {
  try {
    linkSync(from, to);
    return true;
  } catch (error) {
    if (/** @type {NodeJS.ErrnoException} */ (error).code === 'EEXIST') return false;
    throw error;
  }
}

/** @param {string} lock */
function ownerOf(lock) {
  try {
    return Number(readFileSync(lock, 'utf8'));
  } catch {
    return undefined;
  }
}

/** @param {number} pid */
function isAlive(pid) {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return /** @type {NodeJS.ErrnoException} */ (error).code === 'EPERM';
  }
}

/**
 * Two processes may find the same dead owner. What is moved away is looked at again, and put back when it turns out
 * to be the other's fresh lock.
 *
 * @param {number} deadOwner
 * @param {string} lock
 */
function removeLockOf(deadOwner, lock) {
  const aside = `${lock}.${randomUUID()}`;
  try {
    renameSync(lock, aside);
  } catch {
    return;
  }
  if (ownerOf(aside) !== deadOwner) linked(aside, lock);
  rmSync(aside, { force: true });
}
