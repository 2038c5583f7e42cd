/** The actors as the streams see them. */
import type { OfPlugin, Performer } from '../src/protocol/performer.ts';
import type {
  Advantage,
  Ask,
  Check,
  Evaluate,
  Export,
  Filter,
  Judge,
  Learn,
  Reward,
  SampleQuestions,
  Synthesize,
  Watch,
} from '../src/protocol/ports.ts';

/** Plug-ins are added and removed while the loop runs, so read the lists and the optional fields again for each use. */
export interface Performers {
  readonly questioner: Performer<Ask>;
  readonly samplers: readonly Performer<SampleQuestions>[];
  readonly voter: Performer<Judge>;
  readonly learner: Performer<Learn>;
  readonly evaluator: Performer<Evaluate>;
  /** Undefined where synthesis is off. */
  readonly synthesizer: Performer<Synthesize> | undefined;
  readonly checks: readonly OfPlugin<Check>[];
  /** Names of the plug-ins whose check is parked. */
  readonly parkedChecks: readonly string[];
  readonly rewards: readonly OfPlugin<Reward>[];
  readonly advantage: OfPlugin<Advantage> | undefined;
  readonly filters: readonly OfPlugin<Filter>[];
  readonly watchers: readonly OfPlugin<Watch>[];
  readonly exporters: readonly OfPlugin<Export>[];
}
