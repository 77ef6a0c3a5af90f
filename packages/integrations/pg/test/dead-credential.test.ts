import { describe, expect, it } from 'vitest';
import { isRefusal, isServerFull, isSuspicious, isUndecided, mayWantGrant } from '../src/dead-credential.js';
import { hasDoneNothing, isRepeatable } from '../src/repeatable.js';

const error = (code?: string, message = 'x', more = {}) =>
  Object.assign(new Error(message), code && { code }, more);

describe('what an error says about a credential', () => {
  it.each([
    ['28P01 wrong, expired, dropped, unknown', error('28P01'), { isRefusal: true }],
    ['28000 no login, hba', error('28000'), { isRefusal: true }],
    ['42501 no right, or no role', error('42501'), { isSuspicious: true, mayWantGrant: true }],
    ['42704 no role', error('42704', 'x', { routine: 'GetUserNameFromId' }), { isSuspicious: true }],
    ['42704 of who knows what', error('42704'), { isSuspicious: true }],
    ['42704 no type', error('42704', 'x', { routine: 'typenameType' }), {}],
    ['57P01 terminated', error('57P01'), { isSuspicious: true, isUndecided: true }],
    ['53300 too many connections', error('53300'), { isUndecided: true, isServerFull: true }],
    ['57P03 starting up', error('57P03'), { isUndecided: true }],
    ['08006 connection failure', error('08006'), { isUndecided: true }],
    ['network', error('ECONNREFUSED'), { isUndecided: true }],
    ['network', error('EAI_AGAIN'), { isUndecided: true }],
    [
      'a timeout of pg-pool',
      error(undefined, 'Connection terminated due to connection timeout'),
      { isUndecided: true },
    ],
    ['a lost connection', error(undefined, 'Connection terminated unexpectedly'), { isUndecided: true }],
    ['a timeout of pg', error(undefined, 'timeout expired'), { isUndecided: true }],
    ['3D000 no such database', error('3D000'), {}],
    ['23505 unique', error('23505'), {}],
    ['a hook of the application', error(undefined, 'no such schema'), {}],
    ['not an error', undefined, {}],
    ['not an error', 'ECONNREFUSED', {}],
    ['not an error', null, {}],
  ])('%s', (_, thrown, expected) => {
    expect({
      isRefusal: isRefusal(thrown),
      isSuspicious: isSuspicious(thrown),
      isUndecided: isUndecided(thrown),
      isServerFull: isServerFull(thrown),
      mayWantGrant: mayWantGrant(thrown),
    }).toEqual({
      isRefusal: false,
      isSuspicious: false,
      isUndecided: false,
      isServerFull: false,
      mayWantGrant: false,
      ...expected,
    });
  });
});

describe('what can be run a second time', () => {
  it.each([
    ['SELECT 1', true],
    ['INSERT INTO t VALUES (1) ON CONFLICT DO NOTHING', true],
    ['-- call\nSELECT 1', true],
    ['/* do */ SELECT 1', true],
    ['SELECT calls FROM do_it', true],
    ['CALL p()', false],
    ['  call p()', false],
    ['DO $$ BEGIN END $$', false],
    ['-- a\n/* b\n c */ -- d\n\tCall p()', false],
    [';call p()', false],
    ['-- a\rcall p()', false],
    ['/* a /* b */ select 1 */ call p()', false],
    ['CREATE INDEX CONCURRENTLY i ON t (a)', false],
    ['VACUUM t', false],
    ['(SELECT 1) UNION (SELECT 2)', true],
    [';; /* a */ -- b\n\twith a as (select 1) select * from a', true],
    ['selected()', false],
    [{ text: 'SELECT $1', values: [1] }, true],
    [{ text: 'CALL p()' }, false],
    [{ name: 'known' }, false],
    [{ text: 'SELECT 1', submit: () => {} }, false],
    [7, false],
    [null, false],
    [undefined, false],
  ])('%j: %j', (query, expected) => {
    expect(isRepeatable(query)).toBe(expected);
  });

  it.each([
    ['a statement that failed at once', { command: null }, {}, 'I', true],
    ['one after which a command was complete', { command: 'INSERT' }, {}, 'I', false],
    ['the second of several', { command: null }, [{}, {}], 'I', false],
    ['one in a transaction', { command: null }, {}, 'T', false],
    ['one in a failed transaction', { command: null }, {}, 'E', false],
    ['one of a version of pg that does not tell', { command: null }, {}, null, true],
    ['something else', undefined, undefined, 'I', false],
  ])('%s', (_, result, results, status, expected) => {
    const client = {
      _activeQuery: { _result: result, _results: results },
      getTransactionStatus: () => status,
    };
    expect(hasDoneNothing(client)).toBe(expected);
  });

  it('nothing is known when no statement was active', () => {
    expect(hasDoneNothing({ _activeQuery: null })).toBe(false);
    expect(hasDoneNothing({})).toBe(false);
  });
});
