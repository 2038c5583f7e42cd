import { resolve } from 'node:path';
import { onTestFinished, vi } from 'vitest';

/** Runs a script of examples/ in this process. @returns the lines that it prints */
export async function runExample(name: 'answer' | 'learn' | 'metrics' | 'loop', ...args: string[]): Promise<string[]> {
  const { argv } = process;
  const lines: string[] = [];
  const print = vi.spyOn(console, 'log').mockImplementation((line: unknown) => void lines.push(String(line)));
  onTestFinished(() => print.mockRestore());
  process.argv = [argv[0]!, resolve('examples', `${name}.ts`), ...args];
  try {
    await import(`../../examples/${name}.ts`);
    return lines;
  } finally {
    process.argv = argv;
    print.mockRestore();
  }
}
