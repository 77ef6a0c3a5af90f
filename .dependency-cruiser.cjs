/**
 * Which file may import which. Imports point one way:
 *
 *   index → create-secrets → secrets → lease → resolver → { router, cache, resilience } → provider-runtime
 *         → provider contract → model → errors
 *
 * so that a file can be read with nothing but what lies below it in mind, and the pull path works without the push
 * path. Tests may import anything.
 */
const core = '^packages/core/src/';
const published = '^packages/(?:providers/|integrations/)?[^/]+/src/';

/** Within the core, a folder (or a file of its root) and the only places that it may import from. */
const allowed = {
  errors: ['errors'],
  time: ['time', 'errors'],
  concurrency: ['concurrency', 'time', 'errors'],
  model: ['model', 'time', 'errors'],
  'provider/(?!router)': ['provider', 'model', 'time', 'errors', 'concurrency'],
  'provider/router': ['provider', 'resilience', 'model', 'time', 'errors', 'concurrency'],
  cache: ['cache', 'provider', 'model', 'time', 'errors', 'concurrency'],
  resilience: ['resilience', 'provider', 'model', 'time', 'errors', 'concurrency'],
};

/** What lies above a layer: the files that nobody below may see. */
const above = {
  'resolver.ts': '(?:lease/|secrets\\.ts|create-secrets\\.ts|rotating\\.ts|index\\.ts|testing)',
  'lease/': '(?:secrets\\.ts|create-secrets\\.ts|rotating\\.ts|index\\.ts|testing)',
  'secrets.ts': '(?:create-secrets\\.ts|rotating\\.ts|index\\.ts|testing)',
  'create-secrets.ts': '(?:rotating\\.ts|index\\.ts|testing)',
};

const onlyBelow = Object.entries(allowed).map(([place, targets]) => ({
  name: `core-${place.replace(/\(.*/, '').replace(/\W+/g, '-').replace(/-$/, '')}-looks-down`,
  comment: `core/src/${place} may import only ${targets.join(', ')} of the core`,
  severity: 'error',
  from: { path: `${core}${place.includes('/') ? place : `${place}/`}` },
  to: { path: core, pathNot: `${core}(?:${targets.join('|')})/` },
}));

const neverAbove = Object.entries(above).map(([layer, higher]) => ({
  name: `core-${layer.replace(/\W+(?:ts)?$/, '')}-looks-down`,
  comment: `core/src/${layer} may not import from a layer above it`,
  severity: 'error',
  from: { path: `${core}${layer.replace('.', '\\.')}` },
  to: { path: `${core}${higher}` },
}));

module.exports = {
  forbidden: [
    ...onlyBelow,
    ...neverAbove,
    {
      name: 'no-circular',
      comment: 'Two files that load each other are one file, and one of them sees the other half made.',
      severity: 'error',
      from: { path: published },
      to: { circular: true, viaOnly: { dependencyTypesNot: ['type-only'] } },
    },
    {
      name: 'core-not-even-by-types',
      comment: 'In the core a circle of types is one too: its files are read from the bottom up.',
      severity: 'error',
      from: { path: core },
      to: { circular: true },
    },
    {
      name: 'core-knows-no-other-package',
      severity: 'error',
      from: { path: core },
      to: { path: '^packages/(?!core/)' },
    },
    {
      name: 'testing-is-for-tests',
      comment: 'What is published as @keyturn/core/testing must not be loaded by production code.',
      severity: 'error',
      from: { path: published, pathNot: `${core}testing` },
      to: { path: `${core}testing` },
    },
    {
      name: 'no-package-reaches-into-another',
      comment: "Import @keyturn/…, never another package's files.",
      severity: 'error',
      from: { path: '^packages/((?:providers/|integrations/)?[^/]+)/src/' },
      to: { path: '^packages/', pathNot: '^packages/$1/', dependencyTypesNot: ['aliased'] },
    },
    {
      name: 'providers-see-the-contract-only',
      comment: 'A provider imports @keyturn/core/provider, nothing else of the core, and no other package.',
      severity: 'error',
      from: { path: '^packages/providers/([^/]+)/src/' },
      to: { path: '^packages/', pathNot: ['^packages/providers/$1/', `${core}provider\\.ts$`] },
    },
    {
      name: 'the-others-see-the-public-core-only',
      comment:
        'The redactor and the development server import @keyturn/core or @keyturn/core/provider; integrations also @keyturn/redact.',
      severity: 'error',
      from: { path: '^packages/(integrations/[^/]+|redact|dev-server)/src/' },
      to: {
        path: '^packages/',
        pathNot: [
          '^packages/$1/',
          `${core}(?:index|provider)\\.ts$`,
          '^packages/redact/src/(?:index|http)\\.ts$',
        ],
      },
    },
    {
      name: 'declared-dependencies-only',
      comment:
        'A published file may import only what its package.json names for its users. (What json.ts of the core and client.ts of vault import is bundled.)',
      severity: 'error',
      from: { path: published, pathNot: [`${core}model/json\\.ts$`, 'providers/vault/src/client\\.ts$'] },
      to: { dependencyTypes: ['npm-no-pkg', 'npm-unknown', 'npm-dev'], dependencyTypesNot: ['npm-peer'] },
    },
    {
      name: 'resolvable',
      severity: 'error',
      from: { path: published },
      to: { couldNotResolve: true },
    },
  ],
  options: {
    doNotFollow: { path: 'node_modules' },
    exclude: { path: '/dist/' },
    tsConfig: { fileName: 'tsconfig.json' },
    tsPreCompilationDeps: true,
    combinedDependencies: false,
    enhancedResolveOptions: {
      exportsFields: ['exports'],
      conditionNames: ['import', 'node', 'default', 'types'],
    },
  },
};
