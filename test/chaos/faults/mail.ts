import type { Fault, SmtpMode } from '../types.ts';
import { ready } from './programs.ts';

function smtpTrouble(name: string, about: string, modes: readonly SmtpMode[]): Fault {
  return {
    name,
    about,
    row: 'SMTP 4xx, hang, 250-then-reset',
    targets: modes,
    lastsMs: [8_000, 15_000],
    async strike(world, target) {
      const before = world.links.smtp.unanswered().length;
      world.links.smtp.trouble(target as SmtpMode);
      return {
        async heal() {
          world.links.smtp.heal();
          await ready(world, 'mail');
          return { acceptedWithoutAnswer: world.links.smtp.unanswered().slice(before) };
        },
      };
    },
  };
}

export const smtpRefuses = smtpTrouble('smtp-refuses', 'The mail server answers every mail with 451: not now.', [
  'refuse',
]);
export const smtpHang = smtpTrouble('smtp-hang', 'The mail server takes connections and never answers DATA.', ['hang']);
export const smtpReset = smtpTrouble(
  'smtp-reset-after-250',
  'The mail server takes a mail and the connection is reset, before its answer arrives or right after.',
  ['reset-before-answer', 'reset-after-answer'],
);
