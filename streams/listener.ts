/** The stages' calls to the telemetry. Every method returns nothing, so no stage can read it or decide by it. */
import type { Evaluation } from '../src/protocol/messages.ts';
import type { CurriculumStatus, GuardianStatus, SynthesisStatus } from '../src/protocol/status.ts';

export interface Listener {
  note(text: string): void;
  /** A figure changed that the telemetry asks a source for. */
  changed(): void;
  version(n: number): void;
  /** A start restores the stored versions up to `newest`. */
  restoring(newest: number): void;
  /** The staleness bound. */
  bound(maxStaleness: number): void;
  synthesis(synthesis: SynthesisStatus): void;
  curriculum(curriculum: CurriculumStatus): void;
  guardian(guardian: GuardianStatus): void;
  /** The reason for which the loop paused itself; undefined once it continues. */
  held(why: string | undefined): void;
  saved(n: number): void;
  evaluated(evaluation: Evaluation, isBest: boolean): void;
  /** Stores the durable figures. Call within the transaction that stores the records they show. */
  keep(): void;
}
