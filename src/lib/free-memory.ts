/** Memory of this machine that a process may still take; limits of its control groups (containers) count. */
import { readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { freemem } from 'node:os';

/** Where Linux shows control groups; a test brings others. */
export interface ControlGroups {
  /** The file that names those of this process. */
  readonly names: string;
  readonly folder: string;
}

const LINUX: ControlGroups = { names: '/proc/self/cgroup', folder: '/sys/fs/cgroup' };

/** Files of a group by the version of control groups: limit, use, and the name of the file cache in memory.stat. */
const FILES = {
  2: { limit: 'memory.max', use: 'memory.current', cache: ['inactive_file', 'active_file'] },
  1: {
    limit: 'memory.limit_in_bytes',
    use: 'memory.usage_in_bytes',
    cache: ['total_inactive_file', 'total_active_file'],
  },
} as const;

/** Bytes. */
export function freeMemory(groups: ControlGroups = LINUX, free = freemem()): number {
  return Math.min(free, ...[...memoryGroups(groups)].flatMap(([folder, version]) => roomIn(folder, version) ?? []));
}

/** The folders of this process's group and of all around it. */
function* memoryGroups({ names, folder }: ControlGroups): Generator<[string, 1 | 2]> {
  for (const line of (read(names) ?? '').split('\n')) {
    const [id, controllers, path] = line.split(':');
    if (path === undefined) continue;
    const version = id === '0' ? 2 : 1;
    if (version === 1 && !controllers!.split(',').includes('memory')) continue;
    const root = version === 2 ? folder : join(folder, 'memory');
    // In a container the file may name a path outside of what is mounted: its own group is then the root.
    for (let at = join(root, path); at.startsWith(root); at = dirname(at)) yield [at, version];
  }
}

/** What a group may still take, with the file cache, which the system drops first; undefined without a limit. */
function roomIn(folder: string, version: 1 | 2): number | undefined {
  const { limit, use, cache } = FILES[version];
  const [most, used] = [limit, use].map((name) => Number(read(join(folder, name)) ?? Number.NaN));
  if (!Number.isFinite(most! - used!)) return undefined;
  const stat = read(join(folder, 'memory.stat')) ?? '';
  const droppable = cache.map((name) => Number(new RegExp(`^${name} (\\d+)`, 'm').exec(stat)?.[1] ?? 0));
  return Math.max(0, most! - used! + droppable.reduce((sum, size) => sum + size, 0));
}

function read(file: string): string | undefined {
  try {
    return readFileSync(file, 'utf8');
  } catch {
    return undefined;
  }
}
