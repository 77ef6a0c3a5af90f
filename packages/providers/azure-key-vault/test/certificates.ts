import { generateKeyPairSync } from 'node:crypto';
import forge from 'node-forge';

/** A certificate and its key, as PEM. */
export interface Certificate {
  readonly cert: string;
  readonly key: string;
}

/** An authority of its own. */
export interface Authority {
  readonly ca: string;
  /** A certificate for 127.0.0.1 that the authority vouches for. */
  issue(name?: string): Certificate;
}

let serial = 1;

/** Makes an authority that signs certificates for an hour. */
export function authority(name = 'test'): Authority {
  const own = keyPair();
  const ca = signed({
    subject: name,
    issuer: name,
    publicPem: own.publicKey,
    signer: own.privateKey,
    isCa: true,
  });
  return {
    ca,
    issue(subject = 'vault.test') {
      const pair = keyPair();
      const request = {
        subject,
        issuer: name,
        publicPem: pair.publicKey,
        signer: own.privateKey,
        isCa: false,
      };
      return { cert: signed(request), key: pair.privateKey };
    },
  };
}

/** PKCS #12 without a password, as base64: what Key Vault gives for a certificate unless it is asked for PEM. */
export function pkcs12({ cert, key }: Certificate): string {
  const asn1 = forge.pkcs12.toPkcs12Asn1(
    forge.pki.privateKeyFromPem(key),
    [forge.pki.certificateFromPem(cert)],
    '',
    { algorithm: '3des' },
  );
  return forge.util.encode64(forge.asn1.toDer(asn1).getBytes());
}

function keyPair(): { publicKey: string; privateKey: string } {
  return generateKeyPairSync('rsa', {
    modulusLength: 2048,
    publicKeyEncoding: { type: 'spki', format: 'pem' },
    privateKeyEncoding: { type: 'pkcs8', format: 'pem' },
  });
}

function signed(request: {
  readonly subject: string;
  readonly issuer: string;
  readonly publicPem: string;
  readonly signer: string;
  readonly isCa: boolean;
}): string {
  const certificate = forge.pki.createCertificate();
  certificate.publicKey = forge.pki.publicKeyFromPem(request.publicPem);
  serial += 1;
  certificate.serialNumber = serial.toString(16).padStart(4, '0');
  certificate.validity.notBefore = new Date(Date.now() - 60_000);
  certificate.validity.notAfter = new Date(Date.now() + 3_600_000);
  certificate.setSubject([{ name: 'commonName', value: request.subject }]);
  certificate.setIssuer([{ name: 'commonName', value: request.issuer }]);
  certificate.setExtensions([
    { name: 'basicConstraints', cA: request.isCa },
    { name: 'subjectAltName', altNames: [{ type: 7, ip: '127.0.0.1' }] },
  ]);
  certificate.sign(forge.pki.privateKeyFromPem(request.signer), forge.md.sha256.create());
  return forge.pki.certificateToPem(certificate).replaceAll('\r\n', '\n');
}
