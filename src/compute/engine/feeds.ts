/** Checks of a program's feeds, shared by all engines. */
import { sizeOf } from '../../protocol/tensor.ts';
import type { Feed, Specs } from './engine.ts';
import { sameShape } from '../compile/graph.ts';

/** @throws RangeError naming the program and the input that is missing, unknown, or of another dtype or shape. */
export function checkFeeds(program: string, inputs: Specs, feeds: Readonly<Record<string, Feed>>): void {
  for (const [name, { dtype, shape }] of Object.entries(inputs)) {
    const feed = feeds[name];
    if (!feed) throw new RangeError(`program ${program}: input "${name}" is missing`);
    if (feed.dtype !== dtype || !sameShape(feed.shape, shape)) {
      throw new RangeError(
        `program ${program}: input "${name}" must be ${dtype} [${shape.join(', ')}], got ${feed.dtype} [${feed.shape.join(', ')}]`,
      );
    }
    if (!('resident' in feed) && feed.data.length !== sizeOf(shape)) {
      throw new RangeError(
        `program ${program}: input "${name}" needs ${sizeOf(shape)} values, got ${feed.data.length}`,
      );
    }
  }
  for (const name of Object.keys(feeds)) {
    if (!(name in inputs)) throw new RangeError(`program ${program} has no input "${name}"`);
  }
}
