import { expect, test } from 'vitest';
import { ENGINES, probeEngines } from '../../../src/compute/engine/engines.ts';

test('every engine is tried, and an unusable engine reports the reason', { timeout: 240_000 }, async () => {
  const reports = await probeEngines();
  expect(reports.map((report) => report.name)).toEqual(ENGINES);
  expect(reports.filter((report) => report.usable).map((report) => report.name)).toEqual(
    expect.arrayContaining(['cpu', 'reference']),
  );
  for (const { name, detail } of reports) expect(`${name}: ${detail}`).toMatch(/^\w.{10,}/);
});
