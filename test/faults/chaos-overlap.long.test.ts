import { expect, test } from 'vitest';
import { chaos, chaosInput, KILLS, LIMIT, SEED, STEPS } from '../support/chaos.ts';
import { launchToy } from '../support/launch.ts';
import { temporaryFolder } from '../support/temporary.ts';

test(
  'killed where rollouts and learning overlap, a run loses nothing, and learns nothing twice or older than the bound',
  LIMIT,
  async () => {
    const killed = temporaryFolder();
    const { report, kills, contents } = await chaos(killed, chaosInput(2), {
      kills: KILLS,
      seed: SEED,
      launch: launchToy,
    });
    expect(kills).toBe(KILLS);
    expect(report).toMatchObject({ steps: STEPS, end: 'steps' });
    expect(contents.batches.length).toBe(STEPS);
    expect(report.staleness.histogram.slice(3).every((groups) => groups === 0)).toBe(true);
    expect(report.staleness.histogram.slice(1).some((groups) => groups > 0)).toBe(true);
  },
);
