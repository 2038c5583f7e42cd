/** The model of a cluster finds the costs that made its measurements, and where they fill a resource. */
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { costsOf, fullAt, resources, shareAt, type Measured } from '../../bench/cluster-model.ts';

const cost = () =>
  fc.record({
    fixed: fc.double({ min: 0, max: 0.1, noNaN: true }),
    group: fc.double({ min: 1e-4, max: 0.1, noNaN: true }),
  });
const ASSUMED = {
  groupsPerSecond: 0.5,
  versionsPerSecond: 1 / 60,
  weightMegabytes: 100,
  natsCores: 4,
  gigabitsPerSecond: 10,
};
const BEAT = { daemon: 1e-4, nats: 2e-5 };

test('costs that made a measurement are found in it, and every resource is full at its own number of samplers', () => {
  fc.assert(
    fc.property(cost(), cost(), (daemon, nats) => {
      const measured = [4, 8, 16].map((groupsPerSecond): Measured => ({
        workers: groupsPerSecond / 4,
        groupsPerSecond,
        daemon: daemon.fixed + daemon.group * groupsPerSecond,
        nats: nats.fixed + nats.group * groupsPerSecond,
        bytesIn: 200_000,
        bytesOut: 210_000,
      }));
      const costs = costsOf(measured, BEAT, 1e-3);
      expect(costs.daemon.group).toBeCloseTo(daemon.group, 9);
      expect(costs.daemon.fixed).toBeCloseTo(daemon.fixed, 9);
      expect(costs.nats.group).toBeCloseTo(nats.group, 9);
      for (const resource of resources(costs, ASSUMED)) expect(shareAt(resource, fullAt(resource))).toBeCloseTo(1, 9);
    }),
    { seed: 1 },
  );
});

test('samplers cost their groups, their heartbeats and the weights that they fetch', () => {
  const daemon = { fixed: 0.1, group: 0.01, beat: 0.001, megabyte: 0.0006 };
  const costs = { daemon, nats: { fixed: 0, group: 0.002, beat: 0, megabyte: 0 }, bytesIn: 250_000, bytesOut: 500_000 };
  const [core, nats, weights, groupsOut, groupsIn] = resources(costs, ASSUMED).map((resource) =>
    shareAt(resource, 100),
  );
  expect(core).toBeCloseTo(0.1 + 100 * (0.5 * 0.01 + 0.001 + 0.0006 * (100 / 60)), 9);
  expect(nats).toBeCloseTo((100 * 0.5 * 0.002) / 4, 9);
  expect(weights).toBeCloseTo((100 * (100e6 / 60)) / 1.25e9, 9);
  expect(groupsOut).toBeCloseTo((100 * 0.5 * 500_000) / 1.25e9, 9);
  expect(groupsIn).toBeCloseTo((100 * 0.5 * 250_000) / 1.25e9, 9);
});
