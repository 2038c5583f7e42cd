import fc from 'fast-check';
import { expect, it } from 'vitest';
import { castOf, layout, type Actor } from '../../dashboards/client/loop/layout.ts';

const ROLES = ['questioner', 'voter', 'learner', 'evaluator', 'guardian'];
const actor = (role: string, id = role): Actor => ({
  id,
  role,
  state: 'idle',
  since: 0,
  doing: 'waiting',
  restarts: 0,
  items: 0,
  itemsPerSecond: 0,
  busy: 0,
  queue: null,
});

it('the loop shows each actor once, and stays as high with a hundred samplers as with three', () => {
  const drawn = (samplers: number, checks: number, width: number) => {
    const many = (role: string, n: number) => Array.from({ length: n }, (_, i) => actor(role, `${role}-${i + 1}`));
    const all = [...ROLES.map((role) => actor(role)), ...many('sampler', samplers), ...many('checker', checks)];
    return { all, ...layout(castOf(all), width, false) };
  };
  fc.assert(
    fc.property(
      fc.integer({ min: 1, max: 100 }),
      fc.integer({ min: 0, max: 5 }),
      fc.constantFrom(320, 700, 1_000, 1_600),
      (samplers, checks, width) => {
        const { all, nodes, flows, height } = drawn(samplers, checks, width);
        const shown = nodes.flatMap(({ actors }) => actors.map(({ id }) => id));
        expect(shown.toSorted()).toEqual(all.map(({ id }) => id).toSorted());
        expect(new Set(flows.map(({ id }) => id)).size).toBe(flows.length);
        expect(height).toBeLessThanOrEqual(drawn(3, checks, width).height);
      },
    ),
  );
});
