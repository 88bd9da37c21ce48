import assert from 'node:assert/strict';
import { findSetting, logLevelOf, ORDER_TIMERS, rateLimitOf, readSetting, SETTINGS } from './definitions.ts';

const HOUR_MS = 3_600_000;

describe('the settings that can be changed while services run', () => {
  it('have a key each, and an example that is valid', () => {
    assert.equal(new Set(SETTINGS.map(({ key }) => key)).size, SETTINGS.length);
    for (const setting of SETTINGS) {
      assert.ok('value' in readSetting(setting, setting.example), setting.key);
      assert.equal(findSetting(setting.key), setting);
    }
    assert.equal(logLevelOf('order')?.key, 'log_level.order');
    assert.equal(rateLimitOf('gateway'), undefined);
  });

  it('read durations and limits as services want them', () => {
    assert.deepEqual(readSetting(ORDER_TIMERS, { reminders: ['1h', '2h'], expiry: '3h' }), {
      value: { remindersMs: [HOUR_MS, 2 * HOUR_MS], expiryMs: 3 * HOUR_MS },
    });
    const limit = rateLimitOf('auth') ?? assert.fail();
    assert.deepEqual(readSetting(limit, { per_second: 0.5, burst: 3 }), { value: { perSecond: 0.5, burst: 3 } });
  });

  it('refuse what no service could work with, and say where it is wrong', () => {
    const bad: [string, unknown, RegExp][] = [
      ['log_level', 'loud', /^value: /],
      ['log_level.order', null, /^value: /],
      ['rate_limit', { per_second: 0, burst: 1 }, /^value\.per_second: /],
      ['rate_limit.auth', { per_second: 1, burst: 1.5 }, /^value\.burst: /],
      ['rate_limit', { per_second: 1, burst: 1, more: 1 }, /^value: /],
      ['flags.registration_open', 'no', /^value: /],
      ['order.timers', { reminders: ['4h'], expiry: 'soon' }, /^value\.expiry: must be a duration/],
      ['order.timers', { reminders: ['4h', '4h'], expiry: '24h' }, /^value\.reminders: must ascend/],
      ['order.timers', { reminders: ['4h'], expiry: '4h' }, /^value\.reminders: must all be before the expiry/],
      ['order.timers', { reminders: [], expiry: '4h' }, /^value\.reminders: /],
    ];
    for (const [key, value, expected] of bad) {
      const read = readSetting(findSetting(key) ?? assert.fail(key), value);
      assert.ok('problems' in read, `${key} took ${JSON.stringify(value)}`);
      assert.match(read.problems.map(({ field, message }) => `${field}: ${message}`).join('\n'), expected);
    }
  });
});
