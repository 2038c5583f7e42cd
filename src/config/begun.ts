/**
 * What a run began with, as its folder keeps it. A configuration that continues the run, or that names one of its models,
 * gets it as the default for what it leaves out.
 */
import { realpathSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { isDrawn } from '../data/settings.ts';
import { isPlain } from './merge.ts';
import { readJson } from './preset.ts';
import { configSchema, PRESETS, type Config, type PresetName } from './schema.ts';

export interface Begun {
  /** `legacy` for a run from before presets existed. */
  readonly preset: PresetName;
  /** Undefined where it was read from files: these are named at each start. */
  readonly data: Config['data'] | undefined;
}

/** Undefined for a new run. */
export function begunRun(runFolder: string): Begun | undefined {
  const kept = readJson(join(runFolder, 'config.json'));
  if (!isPlain(kept)) return undefined;
  const { preset } = kept;
  const { data } = configSchema.shape.data.safeParse(kept['data']);
  return {
    preset: preset === undefined ? 'legacy' : (PRESETS.find((name) => name === preset) ?? 'mini'),
    data: data !== undefined && isDrawn(data) ? data : undefined,
  };
}

/** The run that saved this model; undefined for any other. */
export function runOfModel(model: string): Begun | undefined {
  try {
    return begunRun(dirname(dirname(realpathSync(model)))); // RUN/checkpoints/v000025 or RUN/best/v000025
  } catch {
    return undefined;
  }
}
