/** Uniform in [0, 1), always the same for a seed and a sequence number: a request that is repeated draws the same. */
export function draw(seed: number, sequence: number): number {
  return mixed(mixed(seed) ^ mixed(sequence ^ 0x9e3779b9)) / 0x1_0000_0000;
}

/** The finalizer of MurmurHash3. */
function mixed(value: number): number {
  let h = value >>> 0;
  h = Math.imul(h ^ (h >>> 16), 0x85ebca6b);
  h = Math.imul(h ^ (h >>> 13), 0xc2b2ae35);
  return (h ^ (h >>> 16)) >>> 0;
}
