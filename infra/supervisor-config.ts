import { createHash } from 'node:crypto';
import { join } from 'node:path';
import type { ConfigFile, Program } from './program.ts';
import type { StackSettings } from './stack-settings.ts';

/** Environment variable by which every process of a stack is recognised, whoever its parent is. */
export const HOME_MARKER = 'PUNCTUAL_STACK_HOME';

const LOG_BYTES = '20MB';
const LOG_BACKUPS = 2;
/** supervisord counts failed starts and gives up; a broker that is away for hours must not make it do so. */
const START_RETRIES = 1_000_000;

export function supervisorSocket(settings: StackSettings): string {
  return join(settings.folders.run, 'supervisor.sock');
}

export function supervisorConfigFile(settings: StackSettings): string {
  return join(settings.folders.conf, 'supervisord.conf');
}

export function logFile(settings: StackSettings, program: string): string {
  return join(settings.folders.log, `${program}.log`);
}

/** The whole supervisord configuration. A changed config file changes its program's section, and so restarts it. */
export function supervisorConfig(
  settings: StackSettings,
  programs: readonly Program[],
  files: readonly ConfigFile[],
): string {
  const { folders } = settings;
  return [
    '[supervisord]',
    `logfile=${logFile(settings, 'supervisord')}`,
    'logfile_maxbytes=5MB',
    'logfile_backups=1',
    `pidfile=${join(folders.run, 'supervisord.pid')}`,
    `childlogdir=${folders.log}`,
    `identifier=punctual-${settings.name}`,
    'minfds=8192',
    'minprocs=500',
    ...(settings.isRoot ? ['user=root'] : []),
    '',
    '[unix_http_server]',
    `file=${supervisorSocket(settings)}`,
    'chmod=0700',
    '',
    '[supervisorctl]',
    `serverurl=unix://${supervisorSocket(settings)}`,
    '',
    '[rpcinterface:supervisor]',
    'supervisor.rpcinterface_factory=supervisor.rpcinterface:make_main_rpcinterface',
    '',
    ...programs.flatMap((program) => programSection(settings, program, files)),
  ].join('\n');
}

function programSection(settings: StackSettings, program: Program, files: readonly ConfigFile[]): string[] {
  const environment = {
    ...program.env,
    [HOME_MARKER]: settings.home,
    PUNCTUAL_CONFIG_DIGEST: digest(files.filter((file) => file.program === program.name)),
  };
  const command = program.niceness ? ['nice', '-n', String(program.niceness), ...program.command] : program.command;
  const asGroup = program.stopAsGroup ? 'true' : 'false';
  return [
    `[program:${program.name}]`,
    `command=${command.map(quoteArgument).join(' ')}`,
    `directory=${escapePercent(program.cwd)}`,
    `environment=${Object.entries(environment)
      .map(([name, value]) => `${name}=${quoteValue(value)}`)
      .join(',')}`,
    ...(program.user ? [`user=${program.user}`] : []),
    // Services start after the migrations, at the word of `up`; once started they are restarted like the others.
    `autostart=${program.kind === 'server' ? 'true' : 'false'}`,
    'autorestart=true',
    'startsecs=1',
    `startretries=${START_RETRIES}`,
    `stopsignal=${program.stopSignal ?? 'TERM'}`,
    `stopwaitsecs=${program.stopWaitSeconds ?? 15}`,
    `stopasgroup=${asGroup}`,
    'killasgroup=true',
    `priority=${program.priority}`,
    'redirect_stderr=true',
    `stdout_logfile=${escapePercent(logFile(settings, program.name))}`,
    `stdout_logfile_maxbytes=${LOG_BYTES}`,
    `stdout_logfile_backups=${LOG_BACKUPS}`,
    '',
  ];
}

function digest(files: readonly ConfigFile[]): string {
  const hash = createHash('sha256');
  for (const file of files) hash.update(`${file.path}\0${file.text}\0`);
  return hash.digest('hex').slice(0, 16);
}

/** supervisord expands %(name)s in every value. */
function escapePercent(text: string): string {
  return text.replaceAll('%', '%%');
}

function quoteArgument(text: string): string {
  return /^[\w@%+=:,./-]+$/.test(text) ? escapePercent(text) : `'${escapePercent(text).replaceAll("'", "'\\''")}'`;
}

/** supervisord knows no escapes inside quotes, so a value takes whichever quote it does not contain. */
function quoteValue(text: string): string {
  const quote = text.includes('"') ? "'" : '"';
  if (text.includes(quote)) throw new Error(`supervisord cannot hold a value with both kinds of quotes: ${text}`);
  return `${quote}${escapePercent(text)}${quote}`;
}
