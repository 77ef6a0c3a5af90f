import { setTimeout as sleep } from 'node:timers/promises';

/**
 * The last words of the demo.
 *
 * @returns whether everything was as it should be: with Keyturn, no request failed, no more than `max` connections
 * were open, the service ended well and every leased role is gone; without it, that something failed
 */
export async function summarize(screen, { load, observer, exitCode, withKeyturn }) {
  const { served, failed, reasons } = load.figures;
  const lines = [
    `Requests     ${served} served, ${failed} failed`,
    ...[...reasons].map(([reason, count]) => `             ${count} × ${reason}`),
    `Generations  ${observer.generations()} credentials, at most ${observer.peak()} connections at once`,
  ];
  if (!withKeyturn) {
    screen.end([...lines, '', 'The password was read once. When its lease ended, so did the service.']);
    return failed > 0;
  }
  const left = await rolesLeft(observer);
  lines.push(
    `Roles        ${left === 0 ? 'every leased role is gone from pg_roles' : `${left} leased roles are left`}`,
    `Service      ended with ${exitCode}`,
  );
  const passed = failed === 0 && left === 0 && exitCode === 0 && observer.peak() <= 10;
  screen.end([...lines, '', passed ? 'Passed.' : 'FAILED.']);
  return passed;
}

/** Roles are dropped by the store within moments of their revocation. */
async function rolesLeft(observer) {
  for (let tries = 0; tries < 50; tries++) {
    if ((await observer.roles()) === 0) return 0;
    await sleep(100);
  }
  return observer.roles();
}
