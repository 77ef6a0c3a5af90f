// @ts-check
import { openBaoNode, until } from './openbao.mjs';
import { freePorts } from './ports.mjs';

/**
 * @typedef {object} OpenBaoCluster
 * @property {readonly import('./openbao.mjs').OpenBaoServer[]} nodes all three, in the order of their start
 * @property {string} rootToken
 * @property {() => Promise<import('./openbao.mjs').OpenBaoServer>} leader waits for one while there is none
 * @property {() => Promise<readonly import('./openbao.mjs').OpenBaoServer[]>} standbys
 * @property {() => Promise<void>} stop ends all; idempotent
 */

/**
 * Starts three nodes of one raft store. A leader that is killed is replaced within a second or so; its `restart()`
 * brings it back as a standby. A standby answers reads itself and forwards the rest.
 *
 * @param {object} [options]
 * @param {(address: string) => Promise<string>} [options.front]
 *   puts something before a node, given its address, and returns where that is: standbys redirect there
 * @returns {Promise<OpenBaoCluster>}
 */
export async function startOpenBaoCluster({ front } = {}) {
  const ports = await freePorts(6);
  const addressOf = (/** @type {number} */ index) => `http://127.0.0.1:${ports[index * 2]}`;
  const node = async (/** @type {number} */ index) =>
    openBaoNode({
      storage: 'raft',
      ports: ports.slice(index * 2, index * 2 + 2),
      name: `node-${index + 1}`,
      joins: index === 0 ? [] : [addressOf(0)],
      ...(front && { advertised: await front(addressOf(index)) }),
    });
  const first = await node(0);
  const followers = await Promise.all([node(1), node(2)]);
  const all = [first, ...followers];
  const stop = async () => {
    await Promise.all(all.map((node) => node.stop()));
  };
  try {
    await first.start();
    const keys = await first.initialize();
    const { api } = first.server();
    // A new node may vote once it has been healthy for so long: 10 s by default.
    await api('POST', 'sys/storage/raft/autopilot/configuration', { server_stabilization_time: '1s' });
    await Promise.all(
      followers.map(async (node) => {
        await node.start();
        await node.joinWith(keys);
      }),
    );
    const nodes = all.map((node) => node.server());
    // A standby that has just joined refuses reads for a moment: "Waiting for the primary to upgrade".
    await Promise.all(
      nodes.map((node) =>
        until('secret/ on each node', async () => (await node.call('GET', 'secret/config')).status === 200),
      ),
    );
    await until('three voters', async () => {
      const { data } = await api('GET', 'sys/storage/raft/configuration');
      return data.config.servers.filter((/** @type {{ voter: boolean }} */ { voter }) => voter).length === 3;
    });
    return {
      nodes,
      rootToken: keys.rootToken,
      leader: () => leaderOf(nodes),
      standbys: () => standbysOf(nodes),
      stop,
    };
  } catch (error) {
    await stop();
    throw error;
  }
}

/** @param {readonly import('./openbao.mjs').OpenBaoServer[]} nodes */
async function leaderOf(nodes) {
  /** @type {import('./openbao.mjs').OpenBaoServer | undefined} */
  let leader;
  await until('a leader', async () => {
    leader = (await byRole(nodes)).leaders[0];
    return leader !== undefined;
  });
  return /** @type {import('./openbao.mjs').OpenBaoServer} */ (leader);
}

/** @param {readonly import('./openbao.mjs').OpenBaoServer[]} nodes */
async function standbysOf(nodes) {
  return (await byRole(nodes)).standbys;
}

/** By each node's own health: 200 is the leader, 429 a standby; anything else is neither. */
async function byRole(/** @type {readonly import('./openbao.mjs').OpenBaoServer[]} */ nodes) {
  const statuses = await Promise.all(
    nodes.map((node) =>
      node.call('GET', 'sys/health', undefined, null).then(
        ({ status }) => status,
        () => 0,
      ),
    ),
  );
  return {
    leaders: nodes.filter((_, index) => statuses[index] === 200),
    standbys: nodes.filter((_, index) => statuses[index] === 429),
  };
}
