/**
 * Places all tensors of a map in one flat array, so that threads can share them and programs can update them in place.
 */
import type { Specs } from '../compute/engine/engine.ts';
import { f32, sizeOf, type HostTensor } from '../protocol/tensor.ts';

export class Layout {
  readonly size: number;
  private readonly places: readonly {
    readonly name: string;
    readonly shape: readonly number[];
    readonly start: number;
    readonly end: number;
  }[];

  constructor(specs: Specs) {
    let end = 0;
    this.places = Object.entries(specs).map(([name, { shape }]) => {
      const start = end;
      end += sizeOf(shape);
      return { name, shape, start, end };
    });
    this.size = end;
  }

  /** Returns tensors that are views of `flat` (length `size`), named `prefix` + name. */
  view(flat: Float32Array, prefix = ''): Record<string, HostTensor> {
    return Object.fromEntries(
      this.places.map(({ name, shape, start, end }) => [prefix + name, f32(shape, flat.subarray(start, end))]),
    );
  }

  /** Returns a new flat array of the tensors named `prefix` + name. */
  pack(tensors: Readonly<Record<string, HostTensor>>, prefix = ''): Float32Array {
    const flat = new Float32Array(this.size);
    for (const { name, start } of this.places) {
      const tensor = tensors[prefix + name];
      if (!tensor) throw new RangeError(`tensor "${prefix}${name}" is missing`);
      flat.set(tensor.data, start);
    }
    return flat;
  }
}
