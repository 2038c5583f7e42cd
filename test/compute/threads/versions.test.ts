import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { share, shared, Versions } from '../../../src/compute/threads/versions.ts';
import { f32 } from '../../../src/protocol/tensor.ts';
import type { SharedState } from '../../../src/protocol/worker.ts';

const state = (): SharedState => {
  const empty = share({});
  return { weights: empty, firstMoments: empty, secondMoments: empty, updates: 0 };
};

describe('share', () => {
  it('is read back by name, from the same memory', () => {
    const source = share({ a: f32([2, 2], [1, 2, 3, 4]), b: f32([3], [5, 6, 7]), scalar: f32([], [8]) });
    const tensors = shared(source);
    expect(tensors['a']).toEqual(f32([2, 2], [1, 2, 3, 4]));
    expect([...tensors['b']!.data, ...tensors['scalar']!.data]).toEqual([5, 6, 7, 8]);
    expect(tensors['b']!.data.buffer).toBe(source.buffer);
  });

  it('writes to spare memory of the right size, under a new name, and allocates otherwise', () => {
    const spare = share({ a: f32([2], [1, 2]) });
    const next = share({ a: f32([2], [3, 4]) }, spare);
    expect(next.buffer).toBe(spare.buffer);
    expect(next.id).not.toBe(spare.id);
    expect([...shared(next)['a']!.data]).toEqual([3, 4]);
    expect(share({ a: f32([3], [5, 6, 7]) }, spare).buffer).not.toBe(spare.buffer);
  });
});

describe('Versions', () => {
  it('keeps the newest and what is retained, and nothing else, in any order of events', () => {
    const action = fc.constantFrom('publish', 'retain newest', 'retain oldest', 'release');
    fc.assert(
      fc.property(fc.array(action, { maxLength: 60 }), (actions) => {
        const versions = new Versions();
        versions.publish(0, state());
        const held: number[] = [];
        for (const name of actions) {
          if (name === 'publish') versions.publish(versions.current + 1, state());
          else if (name === 'release') {
            const n = held.shift();
            if (n !== undefined) versions.release(n);
          } else {
            const n = name === 'retain newest' ? versions.current : Math.min(...versions.kept);
            versions.retain(n);
            held.push(n);
          }
          expect(new Set(versions.kept)).toEqual(new Set([...held, versions.current]));
          for (const n of held) expect(versions.get(n).updates).toBe(0);
        }
      }),
      { seed: 2 },
    );
  });

  it('gives the memory of a dropped version to the next one, once, and never that of a version somebody reads', () => {
    const [zero, one, two] = [state(), state(), state()];
    const versions = new Versions();
    versions.publish(0, zero);
    versions.publish(1, one);
    expect(versions.takeSpare()).toBeUndefined(); // version 0 is the frozen base
    versions.retain(1);
    versions.publish(2, two);
    expect(versions.takeSpare()).toBeUndefined();
    versions.release(1);
    expect(versions.takeSpare()).toBe(one);
    expect(versions.takeSpare()).toBeUndefined();
  });

  it('names a version that is gone, and a release too many', () => {
    const versions = new Versions();
    expect(() => versions.current).toThrow('no version is published yet');
    versions.publish(0, state());
    versions.publish(1, state());
    expect(() => versions.get(0)).toThrow('version 0 is not in memory; kept are 1');
    expect(() => versions.retain(0)).toThrow('version 0');
    expect(() => versions.release(1)).toThrow('version 1 was released more often');
  });
});
