import { rotating, type Secret, type SecretSource } from '@keyturn/core';
import { type IntegrationUnderTest, testIntegration } from '@keyturn/core/testing';
import { describe, expect, it } from 'vitest';
import { runSuite } from './run-suite.js';

/** A backend with users, and connections that it counts; a dead credential fails every use. */
function backend() {
  const users = new Map<string, string>();
  const connections = new Set<object>();
  let made = 0;
  return {
    users,
    connections,
    create() {
      const credential = { username: `user-${++made}`, password: `password-${made}-canary` };
      users.set(credential.username, credential.password);
      return credential;
    },
    connect(secret: Secret) {
      const { username = '', password } = secret.revealFields();
      if (users.get(username) !== password) throw new Error('28P01');
      const connection = { username, use: () => users.has(username) };
      connections.add(connection);
      return connection;
    },
  };
}

type Connection = ReturnType<ReturnType<typeof backend>['connect']>;

/** A sound integration in about forty lines, and the ways to break it. */
function underTest(
  broken: 'drops busy' | 'ignores refusals' | 'leaks' | 'does not prove' | 'never closes' | 'sound',
) {
  const db = backend();
  const subject: IntegrationUnderTest = {
    createCredential: async () => db.create(),
    dropCredential: async ({ username }) => void db.users.delete(username),
    connections: async () => db.connections.size,
    max: 2,
    open(source: SecretSource) {
      const users = new Map<Connection, { count: number; idle: () => void }>();
      const drained = (connection: Connection) =>
        new Promise<void>((resolve) => {
          const state = users.get(connection);
          if (state === undefined || state.count === 0) resolve();
          else state.idle = resolve;
        });
      const live = rotating<Connection>(source, 'test:db', {
        open: async (secret) => {
          if (broken === 'does not prove') {
            const { username = '' } = secret.revealFields();
            return { username, use: () => db.users.get(username) === secret.field('password').reveal() };
          }
          return db.connect(secret);
        },
        close: async (connection) => {
          if (broken === 'never closes') return;
          if (broken !== 'drops busy') await drained(connection);
          db.connections.delete(connection);
        },
      });
      const hold = async () => {
        const connection = await live.current();
        const state = users.get(connection) ?? { count: 0, idle: () => {} };
        users.set(connection, state);
        state.count++;
        return { connection, release: () => --state.count === 0 && state.idle() };
      };
      const use = async () => {
        const { connection, release } = await hold();
        try {
          await Promise.resolve();
          if (connection.use()) return;
        } finally {
          release();
        }
        if (broken === 'ignores refusals') throw new Error('28P01');
        if (!(await live.replace(connection)).use()) throw new Error('28P01');
      };
      return {
        use,
        async begin() {
          const { connection, release } = await hold();
          return {
            async finish() {
              const isThere = db.connections.has(connection) || broken === 'does not prove';
              release();
              if (!isThere) throw new Error('57P01');
            },
          };
        },
        close: () => live.close(),
        exposed: broken === 'leaks' ? [{ users: db.users }] : [live],
      };
    },
  };
  return subject;
}

testIntegration({ describe, it }, 'in memory', async () => underTest('sound'));

describe('the integration suite fails an integration that', () => {
  const failures = async (broken: Parameters<typeof underTest>[0]) => [
    ...(
      await runSuite((functions) => testIntegration(functions, 'broken', async () => underTest(broken)))
    ).keys(),
  ];

  it('is sound: not at all', async () => {
    expect(await failures('sound')).toEqual([]);
  });
  it('cuts off what is busy', async () => {
    expect(await failures('drops busy')).toContain('what is busy survives a swap');
  });
  it('takes refusals for final', async () => {
    expect(await failures('ignores refusals')).toContain(
      'a rotation that was missed heals itself, by one replacement',
    );
  });
  it('shows its passwords', async () => {
    expect(await failures('leaks')).not.toEqual([]);
  });
  it('does not prove a new credential', async () => {
    expect(await failures('does not prove')).toContain(
      'a new credential that does not work leaves the old one in service',
    );
  });
  it('leaves connections open', async () => {
    expect(await failures('never closes')).toContain('closing closes every connection, twice is once');
  });
});
