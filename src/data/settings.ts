/** The settings of `data` that this room reads; src/config/schema.ts checks them. */
import type { FamilyName } from './figures/ladder/table.ts';
import type { SceneKind } from './figures/scenes.ts';
import type { Rendering } from './figures/canvas.ts';
import type { OpenOptions } from './rows.ts';

export interface FigureSettings {
  readonly type: 'figures';
  readonly seed: number;
  readonly trainQuestions: number;
  readonly heldOutQuestions: number;
  readonly rendering: Rendering;
  readonly kinds: readonly SceneKind[];
}

export interface LadderSettings extends Omit<FigureSettings, 'type' | 'kinds'> {
  readonly type: 'ladder';
  readonly families: readonly FamilyName[];
}

export interface FileSettings extends Pick<OpenOptions, 'columns' | 'pictureFolder' | 'split' | 'answerIs'> {
  readonly type: 'files' | 'jsonl' | 'parquet';
  readonly trainFile: string | readonly string[];
  readonly heldOutFile?: string | readonly string[] | undefined;
  readonly heldOutShare: number;
  readonly heldOutSplit?: string | undefined;
}

export type DataSettings = FigureSettings | LadderSettings | FileSettings;

/** Data sets that are drawn and not read: `--data` and `data.type` take their names. */
export const BUILT_IN = ['figures', 'ladder'] as const;
export type BuiltIn = (typeof BUILT_IN)[number];

export function isDrawn<T extends { readonly type: string }>(data: T): data is Extract<T, { readonly type: BuiltIn }> {
  return isBuiltIn(data.type);
}

export function isBuiltIn(name: string): name is BuiltIn {
  return (BUILT_IN as readonly string[]).includes(name);
}
