import { messagingMigrations, receiptMigrations } from '@punctual/messaging';
import { leaseMigrations, type Migration } from '@punctual/postgres';
import { ordersMigration } from './0001-orders.ts';
import { placeOrdersMigration } from './0002-place-orders.ts';
import { openOrdersMigration } from './0003-open-orders.ts';
import { paymentsMigration } from './0004-payments.ts';
import { sharedWakeUpsMigration } from './0005-shared-wake-ups.ts';
import { wideStockMigration } from './0006-wide-stock.ts';

/** Append only. */
export const orderMigrations: readonly Migration[] = [
  ...leaseMigrations,
  ...messagingMigrations,
  ordersMigration,
  placeOrdersMigration,
  openOrdersMigration,
  paymentsMigration,
  sharedWakeUpsMigration,
  ...receiptMigrations,
  wideStockMigration,
];
