import assert from 'node:assert/strict';
import { type ChangeRequest, decideChange } from './user.ts';

const customer = { id: 1, role: 'customer', active: true } as const;
const other = { id: 2, role: 'customer', active: true } as const;
const admin = { id: 3, role: 'admin', active: true } as const;
const secondAdmin = { id: 4, role: 'admin', active: true } as const;
const inactive = { active: false } as const;

describe('decideChange', () => {
  const cases: [string, Omit<ChangeRequest, 'otherAdmins'> & { otherAdmins?: number }, string][] = [
    ['lets everybody change themselves', { actor: customer, target: customer, change: {} }, 'allowed'],
    ['lets everybody delete themselves', { actor: customer, target: customer, change: { deletes: true } }, 'allowed'],
    ['hides other users from customers', { actor: customer, target: other, change: {} }, 'not-found'],
    ['hides even a forbidden change', { actor: customer, target: other, change: { active: false } }, 'not-found'],
    ['lets an admin change others', { actor: admin, target: customer, change: { active: false } }, 'allowed'],
    ['finds nobody who is not there', { actor: admin, target: undefined, change: {} }, 'not-found'],
    ['hears nobody who has been deleted', { actor: undefined, target: customer, change: {} }, 'not-found'],
    ['lets customers not deactivate', { actor: customer, target: customer, change: { active: false } }, 'not-admin'],
    ['lets customers not activate', { actor: customer, target: customer, change: { active: true } }, 'not-admin'],
    [
      'lets nobody who is deactivated delete themselves, which would free their address',
      { actor: { ...customer, ...inactive }, target: { ...customer, ...inactive }, change: { deletes: true } },
      'deactivated',
    ],
    [
      'lets no deactivated admin change anybody',
      { actor: { ...admin, ...inactive }, target: customer, change: {} },
      'deactivated',
    ],
    [
      'keeps the last admin from deleting itself',
      { actor: admin, target: admin, change: { deletes: true } },
      'last-admin',
    ],
    [
      'keeps the last admin from deactivating itself',
      { actor: admin, target: admin, change: { active: false } },
      'last-admin',
    ],
    ['lets the last admin change its name', { actor: admin, target: admin, change: { active: true } }, 'allowed'],
    [
      'lets an admin go while another stays',
      { actor: admin, target: admin, otherAdmins: 1, change: { deletes: true } },
      'allowed',
    ],
    [
      'lets an admin delete another one',
      { actor: admin, target: secondAdmin, otherAdmins: 1, change: { deletes: true } },
      'allowed',
    ],
    [
      'lets an admin delete one who is deactivated already',
      { actor: admin, target: { ...secondAdmin, ...inactive }, otherAdmins: 1, change: { deletes: true } },
      'allowed',
    ],
  ];
  for (const [name, { otherAdmins = 0, ...request }, decision] of cases) {
    it(name, () => assert.equal(decideChange({ otherAdmins, ...request }), decision));
  }
});
