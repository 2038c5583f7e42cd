/** How much room the disk of a folder has, and sizes in words. */
import { existsSync, statfsSync } from 'node:fs';
import { dirname } from 'node:path';

/** @returns bytes, and the folder itself or the nearest one above it that exists already. */
export function freeSpace(folder: string): { readonly folder: string; readonly free: number } {
  if (!existsSync(folder)) return freeSpace(dirname(folder));
  const { bavail, bsize } = statfsSync(folder);
  return { folder, free: bavail * bsize };
}

/** `1.5 GB`. */
export const gigabytes = (bytes: number): string => `${(bytes / 1e9).toFixed(1)} GB`;
