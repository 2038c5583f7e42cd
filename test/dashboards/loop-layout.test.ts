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

it('lies from 780 pixels on, which a window of 1,280 leaves it: no card leaves the drawing or covers another', () => {
  const checks = ['equations', 'whole', 'premises'].map((name) => actor('checker', `checker-${name}`));
  const samplers = Array.from({ length: 8 }, (_, i) => actor('sampler', `sampler-${i + 1}`));
  const all = [...ROLES, 'synthesizer'].map((role) => actor(role));
  for (const cast of [all, [...all, ...samplers.slice(0, 1)], [...all, ...samplers, ...checks]].map(castOf)) {
    for (const width of [780, 798, 862, 1_350]) {
      const { nodes, nodeWidth, nodeHeight } = layout(cast, width, true);
      expect(nodeWidth).toBeGreaterThanOrEqual(110);
      const rows = nodes.filter(({ actors }) => actors[0].role !== 'guardian' && actors[0].role !== 'synthesizer');
      expect(new Set(rows.map(({ y }) => y)).size).toBe(1);
      for (const { x } of nodes) expect(x + nodeWidth).toBeLessThanOrEqual(width + 1e-9);
      for (const [i, a] of nodes.entries())
        for (const b of nodes.slice(i + 1))
          expect(Math.abs(a.x - b.x) >= nodeWidth || Math.abs(a.y - b.y) >= nodeHeight).toBe(true);
    }
    expect(layout(cast, 779, true).nodeWidth).toBeGreaterThan(700);
  }
});
