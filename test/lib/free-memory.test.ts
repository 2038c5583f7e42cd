import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { freeMemory, type ControlGroups } from '../../src/lib/free-memory.ts';
import { temporaryFolder } from '../support/temporary.ts';

/** Control groups in a folder of their own: files by path, and the line that names this process's group. */
function groups(line: string, files: Readonly<Record<string, string>>): ControlGroups {
  const folder = temporaryFolder();
  const names = join(folder, 'names');
  writeFileSync(names, `1:cpu:/other\n${line}\n`);
  for (const [path, text] of Object.entries(files)) {
    mkdirSync(join(folder, path, '..'), { recursive: true });
    writeFileSync(join(folder, path), text);
  }
  return { names, folder };
}

describe('freeMemory', () => {
  it("is the machine's without a limit", () => {
    expect(freeMemory(groups('0::/', {}), 5_000)).toBe(5_000);
    const unlimited = groups('0::/a', { 'a/memory.max': 'max\n', 'a/memory.current': '10\n' });
    expect(freeMemory(unlimited, 5_000)).toBe(5_000);
  });

  it('is what a group has left, with the files that the system may drop', () => {
    const limited = groups('0::/a', {
      'a/memory.max': '4000\n',
      'a/memory.current': '3000\n',
      'a/memory.stat': 'anon 2400\ninactive_file 400\nactive_file 200\n',
    });
    expect(freeMemory(limited, 5_000)).toBe(1_600);
    expect(freeMemory(limited, 1_200)).toBe(1_200);
  });

  it('counts the limits of the groups around it', () => {
    const nested = groups('0::/pod/box', {
      'pod/memory.max': '2000\n',
      'pod/memory.current': '1500\n',
      'pod/box/memory.max': 'max\n',
      'pod/box/memory.current': '100\n',
    });
    expect(freeMemory(nested, 5_000)).toBe(500);
  });

  it('reads groups of version 1, and the root where the path is outside of the container', () => {
    const first = groups('4:memory:/docker/1f', {
      'memory/memory.limit_in_bytes': '3000\n',
      'memory/memory.usage_in_bytes': '1000\n',
      'memory/memory.stat': 'total_inactive_file 50\ntotal_active_file 0\n',
    });
    expect(freeMemory(first, 5_000)).toBe(2_050);
  });

  it('is never below zero, and never above what this machine has', () => {
    const over = groups('0::/', { 'memory.max': '1000\n', 'memory.current': '2000\n' });
    expect(freeMemory(over, 5_000)).toBe(0);
    expect(freeMemory()).toBeGreaterThan(0);
  });
});
