import { describe, expect, it } from 'vitest';
import { isUntrusted, NETWORK_ROWS, networkError } from '../src/network-error.js';

const never = { where: 'https://vault:8200', hasWorked: false };
const before = { ...never, hasWorked: true };

const EXPECTED: readonly [code: string, outcome: string, word: RegExp][] = [
  ['CERT_HAS_EXPIRED', 'unavailable', /expired/],
  ['CERT_NOT_YET_VALID', 'unavailable', /clocks/],
  ['ERR_TLS_CERT_ALTNAME_INVALID', 'invalid-config', /tls\.serverName/],
  ['DEPTH_ZERO_SELF_SIGNED_CERT', 'invalid-config', /tls\.ca/],
  ['SELF_SIGNED_CERT_IN_CHAIN', 'invalid-config', /tls\.caFile/],
  ['UNABLE_TO_VERIFY_LEAF_SIGNATURE', 'invalid-config', /tls\.ca/],
  ['UNABLE_TO_GET_ISSUER_CERT_LOCALLY', 'invalid-config', /tls\.ca/],
  ['ERR_SSL_TLSV1_ALERT_PROTOCOL_VERSION', 'invalid-config', /tls\.minVersion/],
  ['ERR_SSL_TLSV13_ALERT_CERTIFICATE_REQUIRED', 'invalid-config', /tls\.cert/],
  ['ERR_SSL_SSLV3_ALERT_HANDSHAKE_FAILURE', 'invalid-config', /tls\.key/],
  ['ERR_SSL_TLSV1_ALERT_UNKNOWN_CA', 'invalid-config', /tls\.cert/],
  ['EPROTO', 'invalid-config', /scheme/],
  ['ERR_SSL_WRONG_VERSION_NUMBER', 'invalid-config', /address/],
  ['ENOTFOUND', 'unavailable', /host in address/],
  ['EAI_AGAIN', 'unavailable', /DNS/],
  ['ECONNREFUSED', 'unavailable', /port in address/],
  ['HPE_INVALID_CONSTANT', 'unavailable', /http:\/\//],
  ['ECONNRESET', 'unavailable', /scheme/],
  ['EHOSTUNREACH', 'unavailable', /address/],
];

describe('failed connections', () => {
  it.each(EXPECTED)('%s is %s', (code, outcome, word) => {
    const error = networkError(Object.assign(new Error('CANARY'), { code, cert: 'CANARY' }), never);
    expect(error.code).toBe(outcome);
    expect(error.message).toMatch(word);
    expect(error.message).toContain('https://vault:8200');
    expect(JSON.stringify(error)).not.toContain('CANARY');
    expect(error.cause).toEqual({ name: 'Error', code });
  });

  it.each(EXPECTED)('%s on a connection that had worked is an outage', (code) => {
    expect(networkError({ code }, before).code).toBe('unavailable');
  });

  it('have no row that nothing reaches', () => {
    const rows = EXPECTED.map(([code]) => NETWORK_ROWS.findIndex(({ when }) => when.test(code)));
    expect([...new Set(rows)].filter((row) => row >= 0)).toEqual(NETWORK_ROWS.map((_, place) => place));
  });

  it.each([
    ['tlsv1 alert protocol version', /tls\.minVersion/],
    ['sslv3 alert handshake failure', /tls\.cert/],
    ['wrong version number', /does not speak TLS/],
  ])('EPROTO is told by the reason: %s', (reason, word) => {
    const message = `write EPROTO 80:error:0A00042E:SSL routines:ssl3_read_bytes:${reason}:../deps/x.c:1601:\n`;
    expect(networkError({ code: 'EPROTO', message }, never).message).toMatch(word);
  });

  it.each([undefined, null, 'text', {}, { code: 7 }])('%j is a failure like any other', (failure) => {
    expect(networkError(failure, never).code).toBe('unavailable');
    expect(isUntrusted(failure)).toBe(false);
  });
});
