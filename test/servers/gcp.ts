import { dirname } from 'node:path';
import { fileURLToPath } from 'node:url';
import {
  loadPackageDefinition,
  Metadata,
  Server,
  ServerCredentials,
  type ServerUnaryCall,
  type ServiceClientConstructor,
  type sendUnaryData,
  status,
} from '@grpc/grpc-js';
import { loadSync } from '@grpc/proto-loader';

export type { DrongoServer } from '../../scripts/servers/drongo.mjs';
export { startDrongo } from '../../scripts/servers/drongo.mjs';

/** One version as the server holds it. */
export interface StoredVersion {
  readonly data: Buffer;
  state: 'ENABLED' | 'DISABLED' | 'DESTROYED';
}

/** What a call is answered with instead of the truth. */
export interface Fault {
  readonly code: status;
  readonly details?: string;
  /** Encoded google.rpc.Status, for `grpc-status-details-bin`. */
  readonly statusDetails?: Buffer;
}

/** A Secret Manager that speaks gRPC, by the proto files that Google's client ships. */
export interface SecretManagerServer {
  readonly port: number;
  /** Versions by the resource name of their secret, the first one first. */
  readonly secrets: Map<string, StoredVersion[]>;
  /** Numbers of versions by `secret/aliases/name`. */
  readonly aliases: Map<string, number>;
  /** What the next calls are answered with, one after the other. */
  readonly faults: Fault[];
  /** The metadata of every call so far, and what it asked for. */
  readonly calls: {
    readonly name: string;
    readonly metadata: Record<string, unknown>;
    isCancelled: boolean;
  }[];
  /** Changes answers to an access before they are sent. */
  tamper: (answer: AccessAnswer) => AccessAnswer;
  /** While true, calls are taken and not answered. */
  isFrozen: boolean;
  /** The most secrets in one page of a listing. */
  pageSize: number;
  /** Adds a version, and the secret where there is none; the number of the version. */
  add(secret: string, data: string | Buffer): number;
  stop(): void;
}

export interface AccessAnswer {
  name: string;
  payload: { data: Buffer; dataCrc32c?: string } | null;
}

interface AccessRequest {
  readonly name: string;
}

interface ListRequest {
  readonly parent: string;
  readonly pageToken: string;
}

const ROOT = fileURLToPath(new URL('../../node_modules/', import.meta.url));

/**
 * Starts it on a free loopback port. `latest` is the newest version, whatever its state, and an access to a version
 * that is not enabled fails with FAILED_PRECONDITION, as Google documents.
 *
 * @param checksum of a payload, as text
 */
export async function startSecretManager(checksum: (data: Buffer) => string): Promise<SecretManagerServer> {
  const definition = loadSync('google/cloud/secretmanager/v1/service.proto', {
    includeDirs: [
      `${ROOT}@google-cloud/secret-manager/build/protos`,
      // Holds the protos of google/api and google/iam.
      `${dirname(fileURLToPath(import.meta.resolve('google-gax')))}/../protos`,
    ],
    longs: String,
    oneofs: true,
  });
  const { google } = loadPackageDefinition(definition) as unknown as {
    google: { cloud: { secretmanager: { v1: { SecretManagerService: ServiceClientConstructor } } } };
  };
  const server = new Server();
  const held: SecretManagerServer = {
    port: 0,
    secrets: new Map(),
    aliases: new Map(),
    faults: [],
    calls: [],
    tamper: (answer) => answer,
    isFrozen: false,
    pageSize: 25_000,
    add(secret, data) {
      const versions = held.secrets.get(secret) ?? [];
      held.secrets.set(secret, [...versions, { data: Buffer.from(data), state: 'ENABLED' }]);
      return versions.length + 1;
    },
    stop: () => server.forceShutdown(),
  };

  /** Notes the call; true when it has been answered, or is not to be. */
  function intercepted<Answer>(
    call: ServerUnaryCall<{ name?: string; parent?: string }, Answer>,
    answer: sendUnaryData<Answer>,
  ): boolean {
    const noted = {
      name: call.request.name ?? call.request.parent ?? '',
      metadata: call.metadata.getMap(),
      isCancelled: false,
    };
    held.calls.push(noted);
    call.on('cancelled', () => {
      noted.isCancelled = true;
    });
    if (held.isFrozen) return true;
    const fault = held.faults.shift();
    if (fault === undefined) return false;
    const metadata = new Metadata();
    if (fault.statusDetails !== undefined) metadata.set('grpc-status-details-bin', fault.statusDetails);
    answer({ code: fault.code, details: fault.details ?? 'as the test wants it', metadata });
    return true;
  }

  server.addService(google.cloud.secretmanager.v1.SecretManagerService.service, {
    AccessSecretVersion(
      call: ServerUnaryCall<AccessRequest, AccessAnswer>,
      answer: sendUnaryData<AccessAnswer>,
    ) {
      if (intercepted(call, answer)) return;
      const [secret = '', asked = ''] = call.request.name.split('/versions/');
      const versions = held.secrets.get(secret) ?? [];
      const aliased = held.aliases.get(`${secret}/aliases/${asked}`) ?? Number(asked);
      const number = asked === 'latest' ? versions.length : aliased;
      const version = versions[number - 1];
      if (version === undefined) {
        answer({ code: status.NOT_FOUND, details: `Secret Version [${call.request.name}] not found.` });
      } else if (version.state !== 'ENABLED') {
        const details = `Secret Version [${call.request.name}] is in ${version.state} state.`;
        answer({ code: status.FAILED_PRECONDITION, details });
      } else {
        // Google answers with the number of the project, whichever way it was asked for.
        const name = `${secret.replace(/^projects\/[^/]+/, 'projects/123456789012')}/versions/${number}`;
        const payload = { data: version.data, dataCrc32c: checksum(version.data) };
        answer(null, held.tamper({ name, payload }));
      }
    },
    ListSecrets(call: ServerUnaryCall<ListRequest, object>, answer: sendUnaryData<object>) {
      if (intercepted(call, answer)) return;
      const { parent, pageToken } = call.request;
      const names = [...held.secrets.keys()].filter((name) => name.startsWith(`${parent}/secrets/`)).sort();
      const start = Number(pageToken || 0);
      const end = start + held.pageSize;
      answer(null, {
        secrets: names.slice(start, end).map((name) => ({ name })),
        nextPageToken: end < names.length ? String(end) : '',
      });
    },
  });
  const port = await new Promise<number>((resolve, reject) => {
    server.bindAsync('127.0.0.1:0', ServerCredentials.createInsecure(), (error, bound) =>
      error === null ? resolve(bound) : reject(error),
    );
  });
  return Object.assign(held, { port });
}
