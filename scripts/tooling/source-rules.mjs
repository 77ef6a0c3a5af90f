// @ts-check
import { readFileSync } from 'node:fs';
import { relative } from 'node:path';
import ts from 'typescript';
import { filesBelow } from './stale-builds.mjs';
import { rootDir, workspacePackages } from './workspace-packages.mjs';

/** Names of the host's time, timers and chance. What needs them takes a Clock instead. */
const HOST_TIME = new Set(['setTimeout', 'setInterval', 'setImmediate', 'Date', 'performance']);
const HOST_MEMBERS = new Set([
  'Math.random',
  'AbortSignal.timeout',
  'process.hrtime',
  'process.uptime',
  'Atomics.wait',
]);
const HOST_MODULES = /^(?:node:)?(?:timers(?:\/promises)?|perf_hooks)$/;
const GLOBAL_OBJECTS = new Set(['globalThis', 'global']);

const CORE = 'packages/core/src/';
const SYSTEM_CLOCK = `${CORE}time/system-clock.ts`;

/**
 * What a linter by names cannot hold: no host time outside of the system clock (also not by a module, by `globalThis`
 * or by a member), no plaintext unwrapped inside the core, no timer armed outside of `lease/`.
 *
 * @returns {string[]} one line for each place that breaks a rule
 */
export function brokenSourceRules() {
  return workspacePackages()
    .flatMap(({ dir }) => filesBelow(`${dir}/src`))
    .filter((file) => file.endsWith('.ts'))
    .flatMap((file) =>
      brokenRulesOf(relative(rootDir, file).replaceAll('\\', '/'), readFileSync(file, 'utf8')),
    );
}

/**
 * @param {string} file relative to the root
 * @param {string} text
 */
export function brokenRulesOf(file, text) {
  /** @type {string[]} */
  const broken = [];
  const source = ts.createSourceFile(file, text, ts.ScriptTarget.ES2023, true);
  const inCore = file.startsWith(CORE);
  const inCoreFolder = (/** @type {string} */ folder) => file.startsWith(`${CORE}${folder}/`);

  /** @param {ts.Node} node @param {string} problem */
  const report = (node, problem) => {
    const { line } = source.getLineAndCharacterOfPosition(node.getStart(source));
    broken.push(`${file}:${line + 1}: ${problem}`);
  };

  /** @param {ts.Node} node */
  const visit = (node) => {
    if (file !== SYSTEM_CLOCK) {
      const named = hostTimeIn(node);
      // What is published for tests may let promises settle between two moments; that measures no time.
      const settles = named === 'setImmediate' && inCoreFolder('testing');
      if (named !== undefined && !settles) {
        report(node, `names ${named}: take the Clock that you were given`);
      }
    }
    const member = memberName(node);
    if (inCore && member !== undefined) {
      if (/^reveal/.test(member) && !inCoreFolder('testing')) {
        report(node, `names .${member}: only the application may unwrap a secret`);
      }
      const armsTimers = ['lease', 'time', 'testing'].some(inCoreFolder);
      if (member === 'arm' && !armsTimers) report(node, 'arms a timer: only lease/ may');
    }
    ts.forEachChild(node, visit);
  };
  visit(source);
  return broken;
}

/** @param {ts.Node} node @returns {string | undefined} the member that a property access names */
function memberName(node) {
  if (ts.isPropertyAccessExpression(node)) return node.name.text;
  if (ts.isElementAccessExpression(node) && ts.isStringLiteralLike(node.argumentExpression)) {
    return node.argumentExpression.text;
  }
  return undefined;
}

/** @param {ts.Node} node @returns {string | undefined} what of the host's time it names */
function hostTimeIn(node) {
  if ((ts.isImportDeclaration(node) || ts.isExportDeclaration(node)) && node.moduleSpecifier) {
    const { text } = /** @type {ts.StringLiteral} */ (node.moduleSpecifier);
    if (HOST_MODULES.test(text)) return text;
  }
  if (ts.isCallExpression(node)) {
    const [first] = node.arguments;
    const loads =
      node.expression.kind === ts.SyntaxKind.ImportKeyword || node.expression.getText() === 'require';
    if (loads && first && ts.isStringLiteralLike(first) && HOST_MODULES.test(first.text)) return first.text;
  }
  const member = memberName(node);
  if (member !== undefined) {
    const object = /** @type {ts.PropertyAccessExpression} */ (node).expression.getText();
    if (HOST_MEMBERS.has(`${object}.${member}`)) return `${object}.${member}`;
    if (GLOBAL_OBJECTS.has(object) && HOST_TIME.has(member)) return `${object}.${member}`;
  }
  if (ts.isIdentifier(node) && HOST_TIME.has(node.text) && refersToItself(node)) return node.text;
  return undefined;
}

/** False for an identifier that only names a member, a property or a parameter of a type. @param {ts.Identifier} node */
function refersToItself(node) {
  const { parent } = node;
  const names =
    ts.isPropertyAccessExpression(parent) ||
    ts.isPropertyAssignment(parent) ||
    ts.isPropertySignature(parent) ||
    ts.isPropertyDeclaration(parent) ||
    ts.isMethodDeclaration(parent) ||
    ts.isMethodSignature(parent);
  return !(names && parent.name === node);
}
