/** The call that the loop makes of each port. */
import type { Config } from '../config/schema.ts';
import type { Call } from '../protocol/performer.ts';
import type { PortName, Ports } from '../protocol/ports.ts';
import { checking } from '../roles/checker.ts';
import { evaluating } from '../roles/evaluator.ts';
import { learning } from '../roles/learner.ts';
import { drawing, exporting, filtering, rewarding, watching, weighing } from '../roles/plug-ins.ts';
import { asking } from '../roles/questioner.ts';
import { sampling } from '../roles/sampler.ts';
import { writing } from '../roles/synthesizer.ts';
import { judging } from '../roles/voter.ts';
import type { RequestOf } from './recorded.ts';

type CallOf<Name extends PortName> = (
  request: RequestOf<Name>,
  timeouts: Config['timeouts'],
) => Call<Ports[Name], Awaited<ReturnType<Ports[Name]>>>;

const ONE = 'group 1 of 1';

export const CALLS: { readonly [Name in PortName]: CallOf<Name> } = {
  ask: asking,
  sample: sampling,
  judge: judging,
  learn: learning,
  evaluate: evaluating,
  synthesize: writing,
  check: (request, timeouts) => checking(request, ONE, timeouts),
  reward: (request, timeouts) => rewarding(request, ONE, timeouts),
  advantage: (request, timeouts) => weighing(request, ONE, timeouts),
  filter: (request, timeouts) => filtering(request, ONE, timeouts),
  watch: watching,
  export: exporting,
  panel: (_, timeouts) => drawing(timeouts),
};
