/** The settings of `data` that this room reads; src/config/schema.ts checks them. */
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

export interface FileSettings extends Pick<OpenOptions, 'columns' | 'pictureFolder' | 'split' | 'answerIs'> {
  readonly type: 'files' | 'jsonl' | 'parquet';
  readonly trainFile: string | readonly string[];
  readonly heldOutFile?: string | readonly string[] | undefined;
  readonly heldOutShare: number;
  readonly heldOutSplit?: string | undefined;
}

export type DataSettings = FigureSettings | FileSettings;
