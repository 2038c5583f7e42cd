/**
 * A daemon around localPolicy in a process of its own, for tests that kill it. Arguments: JSON of configuration, and
 * the point at which it sends itself SIGKILL: `stored:5` after the fifth time that groups are stored, before their
 * verdicts; `learning:3:0.4` in the third learner step, after 0.4 of the second step's time and in any case before the
 * result is stored; `saving:3` before version 3 is saved; `none` never.
 */
import './ends-with-test.ts';
import { startDaemon } from '../../src/daemon/daemon.ts';
import { localPolicy } from '../../src/policy/local/open.ts';
import { configSchema } from '../../src/config/schema.ts';
import { Ledger } from '../../src/store/ledger.ts';

const [input, death] = process.argv.slice(2) as [string, string];
const [where, at, share] = death.split(':') as [string, string, string];
const die = (): void => void process.kill(process.pid, 'SIGKILL');

let verdicts = 0;
const saveVerdicts = Ledger.prototype.saveVerdicts;
Ledger.prototype.saveVerdicts = function (...arguments_) {
  if (where === 'stored' && ++verdicts === Number(at)) die();
  return saveVerdicts.apply(this, arguments_);
};

const daemon = await startDaemon(configSchema.parse(JSON.parse(input)), {
  createPolicy: (config, origin) => {
    const policy = localPolicy(config, origin);
    const { learner } = policy;
    const [step, save] = [learner.step.bind(learner), learner.save.bind(learner)];
    let steps = 0;
    let milliseconds = 0;
    learner.step = async (batch, signal) => {
      const begun = performance.now();
      const last = where === 'learning' && ++steps === Number(at);
      if (last) setTimeout(die, Number(share) * milliseconds);
      const reply = await step(batch, signal);
      if (last) die();
      milliseconds = performance.now() - begun;
      return reply;
    };
    learner.save = (n, folder) => {
      if (where === 'saving' && n === Number(at)) die();
      return save(n, folder);
    };
    return policy;
  },
});
process.stdout.write(JSON.stringify(await daemon.closed()));
