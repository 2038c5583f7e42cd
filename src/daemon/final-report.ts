/** Makes the report of a stopped run and writes it to the report file, if one is given. */
import type { Report } from '../protocol/status.ts';
import type { Composition } from './compose.ts';
import type { Ended } from './ending.ts';
import { countLabels } from './label-words.ts';
import type { OpenRun } from './open-run.ts';
import { bestUnlabelled, reportOf, writeReport } from './report.ts';

/** Never throws: a failure to write the report becomes part of the report. */
export async function finalReport(
  { measures, saving, guardian, telemetry }: Composition,
  { store, data, presence }: OpenRun,
  ended: Ended,
  error: Error | undefined,
  reportFile: string | undefined,
): Promise<Report> {
  const { totals } = measures.measured();
  const make = async (how: Ended, cause: Error | undefined) => {
    const lost = presence.absence() && { lost: true as const };
    const saved = saving.newest;
    const unlabelled = bestUnlabelled(store, countLabels(data), saved, guardian !== undefined);
    const kept = unlabelled === null ? saving.bestFolder() : Promise.resolve(saving.folderOf(unlabelled));
    const bestFolder = lost ? null : await kept.catch(() => null);
    const ending = { ...how, error: cause, folder: saving.modelFolder, saved, unlabelled, bestFolder, ...lost };
    return reportOf(telemetry.status(), totals, store, ending);
  };
  const report = await make(ended, error);
  try {
    telemetry.keep();
    if (reportFile !== undefined) writeReport(reportFile, report);
    return report;
  } catch (cause) {
    return make({ end: 'failed' }, error ?? (cause as Error));
  }
}
