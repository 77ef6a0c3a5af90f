import { type ErrorCode, SecretsError } from '@keyturn/core/provider';

/** What is known about the connection that failed. */
export interface NetworkFacts {
  /** Scheme, host and port that were called, or the socket. */
  readonly where: string;
  /** Whether the settings are proven, by an answer: then it is the server that changed, not a setting that is wrong. */
  readonly hasWorked: boolean;
  /** The status of the answer that redirected there, if one did. */
  readonly redirectedBy?: number | undefined;
}

interface Row {
  readonly when: RegExp;
  /** A setting that never worked is not retried; the same failure later on is an outage. */
  readonly code: 'unavailable' | 'invalid-config';
  readonly problem: string;
  readonly remedy: string;
}

const UNTRUSTED: Row = {
  when: /SELF_SIGNED|UNABLE_TO_|^(CERT_UNTRUSTED|CERT_REJECTED|CERT_SIGNATURE_FAILURE|INVALID_CA|INVALID_PURPOSE|PATH_LENGTH_EXCEEDED|CERT_CHAIN_TOO_LONG)$/,
  code: 'invalid-config',
  problem: 'its certificate is signed by an authority that is not trusted here',
  remedy: 'Give the certificate of that authority as tls.ca or tls.caFile.',
};

/** Failure of a connection, by Node's and OpenSSL's codes → what it means. The first row that matches counts. */
export const NETWORK_ROWS: readonly Row[] = [
  {
    when: /^CERT_(HAS_EXPIRED|NOT_YET_VALID)$/,
    code: 'unavailable',
    problem: 'its certificate has expired or is not valid yet',
    remedy: 'Renew the certificate of the server, and check the clocks of both hosts.',
  },
  {
    when: /^(ERR_TLS_CERT_ALTNAME_INVALID|HOSTNAME_MISMATCH)$/,
    code: 'invalid-config',
    problem: 'its certificate is for another host name',
    remedy: 'Use a name of the certificate in address, or give it as tls.serverName.',
  },
  UNTRUSTED,
  {
    when: /PROTOCOL_VERSION|UNSUPPORTED_PROTOCOL|NO_PROTOCOLS_AVAILABLE/,
    code: 'invalid-config',
    problem: 'the two have no version of TLS in common',
    remedy: 'Check tls.minVersion against what the server allows.',
  },
  {
    when: /ALERT.*(CERTIFICATE|UNKNOWN_CA)|ALERT_HANDSHAKE_FAILURE|ALERT_ACCESS_DENIED/,
    code: 'invalid-config',
    problem: 'it refused the TLS handshake, most likely for lack of a client certificate that it trusts',
    remedy: 'Give tls.cert and tls.key of an authority that the server trusts.',
  },
  {
    when: /^EPROTO$|ERR_SSL_(WRONG_VERSION_NUMBER|PACKET_LENGTH_TOO_LONG|HTTP_REQUEST|BAD_RECORD_TYPE|UNEXPECTED_MESSAGE)|RECORD_LAYER_FAILURE/,
    code: 'invalid-config',
    problem: 'what answers there does not speak TLS',
    remedy: 'Check the scheme and port of address: https:// is only for a port with TLS.',
  },
  {
    when: /^(ENOTFOUND|EAI_\w+)$/,
    code: 'unavailable',
    problem: 'its host name cannot be resolved',
    remedy: 'Check the host in address, and the DNS of this host.',
  },
  {
    when: /^(ECONNREFUSED|ENOENT)$/,
    code: 'unavailable',
    problem: 'nothing listens there',
    remedy: 'Check the host and port in address, or the socket, and that the server runs.',
  },
  {
    when: /^HPE_/,
    code: 'unavailable',
    problem: 'what answers there does not speak HTTP',
    remedy: 'Check the scheme and port of address: http:// is only for a port without TLS.',
  },
  {
    when: /^(ECONNRESET|EPIPE|ECONNABORTED|ERR_STREAM_PREMATURE_CLOSE)$/,
    code: 'unavailable',
    problem: 'the connection broke before the answer was complete',
    remedy: 'Check what stands between here and address, and that its scheme (http or https) is right.',
  },
];

const ANY: Row = {
  when: /(?:)/,
  code: 'unavailable',
  problem: 'the connection failed',
  remedy: 'Check address, and the network between here and there.',
};

/**
 * A failed connection as an error that says which setting to look at.
 *
 * A TLS setting that never worked is `invalid-config`, which nobody retries. Once a call has succeeded, the same
 * failure is `unavailable`: a server that changed its certificate must not take held secrets out of service.
 * Of the failure only its name and code are kept; Node's own carry certificates, and node-vault's the token.
 */
export function networkError(
  failure: unknown,
  { where, hasWorked, redirectedBy }: NetworkFacts,
): SecretsError {
  const failureCode = codeOf(failure);
  const row = NETWORK_ROWS.find(({ when }) => when.test(failureCode)) ?? ANY;
  const code: ErrorCode = hasWorked ? 'unavailable' : row.code;
  return new SecretsError(code, {
    status: redirectedBy,
    problem: `${where} cannot be used: ${row.problem}.`,
    remedy: row.remedy,
    cause: failure,
  });
}

/** Whether the server's certificate could not be traced to the authorities that were given. */
export function isUntrusted(failure: unknown): boolean {
  return UNTRUSTED.when.test(codeOf(failure));
}

/** Node's code; for EPROTO, which stands for every broken handshake, the one that OpenSSL's reason would have. */
function codeOf(failure: unknown): string {
  if (typeof failure !== 'object' || failure === null) return '';
  const { code, message } = failure as { code?: unknown; message?: unknown };
  if (code !== 'EPROTO') return typeof code === 'string' ? code : '';
  const [, reason] = /:SSL routines:[^:]*:([\w ]+):/.exec(String(message)) ?? [];
  return reason === undefined ? code : `ERR_SSL_${reason.toUpperCase().replaceAll(' ', '_')}`;
}
