import { mkdtempSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { spawnGuarded } from '../../../../scripts/servers/guarded-process.mjs';
import { findOpenBao } from '../../../../test/servers/openbao.js';

/** What an agent is started with. */
export interface AgentOptions {
  readonly address: string;
  readonly roleId: string;
  readonly secretId: string;
  /** Where it writes its token. */
  readonly sink: string;
  /** What wraps the token: nothing, the sink, or the login. */
  readonly wraps?: 'sink' | 'method';
}

/** OpenBao's own agent, which logs in by AppRole and keeps its token in a file. */
export function startAgent({ address, roleId, secretId, sink, wraps }: AgentOptions) {
  const dataDir = mkdtempSync(join(tmpdir(), 'keyturn-agent-'));
  const file = (name: string, content: string) => {
    writeFileSync(join(dataDir, name), content);
    return join(dataDir, name);
  };
  const wrapTtl = (where: AgentOptions['wraps']) => (wraps === where ? 'wrap_ttl = "5m"' : '');
  const config = file(
    'agent.hcl',
    `vault { address = "${address}" }
     auto_auth {
       method "approle" {
         ${wrapTtl('method')}
         config = {
           role_id_file_path = "${file('role-id', roleId)}"
           secret_id_file_path = "${file('secret-id', secretId)}"
           remove_secret_id_file_after_reading = false
         }
       }
       sink "file" {
         ${wrapTtl('sink')}
         config = { path = "${sink}" }
       }
     }`,
  );
  return spawnGuarded({
    command: findOpenBao() ?? '',
    args: ['agent', `-config=${config}`],
    stopSignal: 'SIGKILL',
    dataDir,
    env: { PATH: process.env.PATH, HOME: dataDir },
  });
}
