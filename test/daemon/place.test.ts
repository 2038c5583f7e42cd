import { renameSync } from 'node:fs';
import { join } from 'node:path';
import fc from 'fast-check';
import { afterEach, expect, test, vi } from 'vitest';
import { Place } from '../../src/daemon/place.ts';
import { makeFolder } from '../../src/lib/make-folder.ts';
import { InputError } from '../../src/protocol/errors.ts';
import { Presence } from '../../src/store/presence.ts';
import { temporaryFolder } from '../support/rig.ts';

const opened: Place[] = [];
afterEach(() => {
  opened.splice(0).forEach((place) => place.close());
  vi.useRealTimers();
});

/** A place whose folder can be taken away and put back. */
function setUp() {
  const path = join(temporaryFolder(), 'run');
  makeFolder(path, 0o700);
  const held: string[] = [];
  const notes: string[] = [];
  const presence = new Presence({ path, database: path });
  const place = new Place({ presence, hold: (why) => held.push(why), note: (text) => notes.push(text) });
  opened.push(place);
  const away = `${path}.away`;
  return { place, path, held, notes, take: () => renameSync(path, away), putBack: () => renameSync(away, path) };
}

test('the loop is paused once for each absence, a resume needs the folder, and nothing is written without it', async () => {
  const action = fc.constantFrom('take', 'put back', 'look', 'resume', 'write');
  await fc.assert(
    fc.asyncProperty(fc.array(action, { maxLength: 25 }), async (actions) => {
      const { place, held, take, putBack } = setUp();
      let [isHere, isHeld, holds] = [true, false, 0];
      const seen = () => {
        if (!isHere && !isHeld) [isHeld, holds] = [true, holds + 1];
      };
      for (const each of actions) {
        if (each === 'take' && isHere) [isHere] = [false, take()];
        else if (each === 'put back' && !isHere) [isHere] = [true, putBack()];
        else if (each === 'look') {
          seen();
          expect(place.look() === undefined).toBe(isHere);
        } else if (each === 'resume' && isHere) {
          place.resume();
          isHeld = false;
        } else if (each === 'resume') expect(() => place.resume()).toThrow(InputError);
        else if (each === 'write') {
          let isWritten = false;
          await place.write(async () => void (isWritten = true));
          expect(isWritten).toBe(isHere);
          seen();
        }
        expect(held).toHaveLength(holds);
      }
    }),
    { numRuns: 30, seed: 5 },
  );
});

test('a write that fails because the folder went meanwhile is no failure; any other is', async () => {
  const { place, held, take } = setUp();
  const full = new Error('disk full');
  await expect(place.write(() => Promise.reject(full))).rejects.toBe(full);
  await place.write(async () => {
    take();
    throw new Error('ENOENT');
  });
  expect(held).toEqual([expect.stringContaining('was deleted or moved away')]);
});

test('it looks by itself every five seconds until it is closed, and says what helps', () => {
  vi.useFakeTimers();
  const { place, notes, take, putBack } = setUp();
  take();
  vi.advanceTimersByTime(4_999);
  expect(notes).toEqual([]);
  vi.advanceTimersByTime(1);
  expect(notes).toEqual([expect.stringMatching(/^learning is paused: .*put back what was there and resume, or stop$/)]);
  putBack();
  place.resume();
  expect(notes.at(-1)).toBe('the run folder is back in its place');
  place.close();
  take();
  vi.advanceTimersByTime(60_000);
  expect(notes).toHaveLength(2);
});
