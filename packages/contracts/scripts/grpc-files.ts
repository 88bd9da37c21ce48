import { execFileSync } from 'node:child_process';
import { globSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { protoDocs } from '../src/index.ts';

const DESCRIPTORS_WITH_COMMENTS = 'descriptors.json';
const PACKAGE = join(import.meta.dirname, '..');
const BUF = join(PACKAGE, '../../node_modules/.bin/buf');

/**
 * What the .proto files generate: a module for each, their descriptors, from which servers answer reflection, and what the page of
 * the gRPC services shows. The protoc plugin is found beside buf.
 */
export function grpcFiles(): Record<string, Buffer> {
  const folder = mkdtempSync(join(tmpdir(), 'punctual-grpc-'));
  const buf = (...args: string[]) =>
    execFileSync(BUF, args, {
      cwd: join(PACKAGE, 'proto'),
      env: { ...process.env, PATH: `${join(BUF, '..')}:${process.env.PATH}` },
      stdio: ['ignore', 'ignore', 'inherit'],
    });
  try {
    buf('generate', '--include-imports', '-o', folder);
    buf('build', '--exclude-source-info', '-o', join(folder, 'descriptors.binpb'));
    buf('build', '--exclude-imports', '-o', join(folder, DESCRIPTORS_WITH_COMMENTS));
    const described = protoDocs(JSON.parse(readFileSync(join(folder, DESCRIPTORS_WITH_COMMENTS), 'utf8')));
    const names = globSync('**/*.{ts,binpb}', { cwd: folder }).sort();
    return {
      ...Object.fromEntries(names.map((name) => [`grpc/${name}`, readFileSync(join(folder, name))])),
      'grpc/services.json': Buffer.from(`${JSON.stringify(described, null, 2)}\n`),
    };
  } finally {
    rmSync(folder, { recursive: true });
  }
}
