import type { OpenBaoServer } from '../../../../test/servers/openbao.js';

/** What a TLS server needs, and the authority that a client must trust for it; all PEM. */
export interface Certificate {
  readonly cert: string;
  readonly key: string;
  readonly ca: string;
}

/** An authority of its own, in a PKI engine mounted at `mount`, that signs for any name. */
export async function authority(bao: OpenBaoServer, mount: string) {
  await bao.api('POST', `sys/mounts/${mount}`, { type: 'pki' });
  const { data } = await bao.api('POST', `${mount}/root/generate/internal`, {
    common_name: mount,
    ttl: '24h',
    key_type: 'ec',
  });
  const role = {
    allow_any_name: true,
    allow_ip_sans: true,
    enforce_hostnames: false,
    key_type: 'ec',
    no_store: true,
  };
  await bao.api('POST', `${mount}/roles/any`, role);
  return {
    ca: data.certificate as string,
    async issue({ ip = '127.0.0.1', name = 'vault.test', ttl = '1h' } = {}): Promise<Certificate> {
      const request = { common_name: name, ip_sans: ip, ttl };
      const issued = (await bao.api('POST', `${mount}/issue/any`, request)).data;
      return { cert: issued.certificate, key: issued.private_key, ca: data.certificate };
    },
  };
}
