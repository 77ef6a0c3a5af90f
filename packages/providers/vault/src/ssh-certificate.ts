/** How many fields of its key stand before what all kinds have in common, by how the kind begins. */
const KEY_FIELDS: readonly [RegExp, number][] = [
  [/^ssh-rsa-cert-/, 2],
  [/^ssh-ed25519-cert-/, 1],
  [/^ecdsa-sha2-.*-cert-/, 2],
  [/^sk-ssh-ed25519-cert-/, 2],
  [/^sk-ecdsa-sha2-.*-cert-/, 3],
];

/**
 * Until when an OpenSSH certificate (a line such as `ssh-ed25519-cert-v01@openssh.com AAAA…`) is valid, in milliseconds
 * of wall time; undefined for what is none, or is valid for ever.
 *
 * Fields by OpenSSH's PROTOCOL.certkeys: kind, nonce, key, serial, type, key id, principals, valid after, valid before.
 */
export function sshCertificateEndMs(line: string): number | undefined {
  const [kind = '', encoded = ''] = line.trim().split(/\s+/);
  const keyFields = KEY_FIELDS.find(([begins]) => begins.test(kind))?.[1];
  if (keyFields === undefined) return undefined;
  const bytes = Buffer.from(encoded, 'base64');
  let at = 0;
  const skipTexts = (count: number) => {
    for (let skipped = 0; skipped < count; skipped++) at += 4 + bytes.readUInt32BE(at);
  };
  try {
    skipTexts(2 + keyFields);
    at += 8 + 4;
    skipTexts(2);
    const validBeforeS = Number(bytes.readBigUInt64BE(at + 8));
    return Number.isSafeInteger(validBeforeS) ? validBeforeS * 1_000 : undefined;
  } catch {
    return undefined;
  }
}
