import { SecretsError } from '@keyturn/core/provider';

const BLOCK = /-----BEGIN ([A-Z0-9 ]+)-----[^-]+-----END \1-----/g;

/**
 * The fields of a certificate in PEM, as `tls.createSecureContext` takes them: `key`, and as `cert` the certificate
 * followed by those that vouch for it. The latter alone are `chain`.
 *
 * The certificate is the one that belongs to the key, wherever it stands: merged certificates come in any order, and a
 * server that presents another one than its key's refuses every handshake.
 *
 * @throws SecretsError `bad-response` when there is no certificate, or none that belongs to the key
 */
export async function pemFields(text: string): Promise<Record<string, string>> {
  const blocks = Array.from(text.matchAll(BLOCK), ([block, label = '']) => ({ block, label }));
  const key = blocks.find(({ label }) => label.endsWith('PRIVATE KEY'))?.block;
  const certificates = blocks.filter(({ label }) => label === 'CERTIFICATE').map(({ block }) => block);
  const own = key === undefined ? certificates[0] : await ownerOf(key, certificates);
  if (own === undefined) {
    throw malformed(key === undefined ? 'has no certificate' : 'has no certificate that belongs to its key');
  }
  const chain = certificates.filter((certificate) => certificate !== own);
  return {
    cert: lines([own, ...chain]),
    ...(key === undefined ? {} : { key: lines([key]) }),
    ...(chain.length === 0 ? {} : { chain: lines(chain) }),
  };
}

async function ownerOf(key: string, certificates: readonly string[]): Promise<string | undefined> {
  const { createPrivateKey, X509Certificate } = await import('node:crypto');
  try {
    const privateKey = createPrivateKey(key);
    return certificates.find((certificate) => new X509Certificate(certificate).checkPrivateKey(privateKey));
  } catch {
    throw malformed('has a key or certificate that cannot be read');
  }
}

function lines(blocks: readonly string[]): string {
  return blocks.map((block) => `${block}\n`).join('');
}

function malformed(problem: string): SecretsError {
  return new SecretsError('bad-response', {
    problem: `The secret is said to be PEM and ${problem}.`,
    remedy: 'Check the certificate in the vault, or the content type of the secret.',
  });
}
