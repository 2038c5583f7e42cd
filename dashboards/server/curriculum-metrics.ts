/** The metrics of the curriculum; none where it is off. */
import { Gauge, type Registry } from 'prom-client';
import type { Status } from '../../src/protocol/status.ts';

const STATES = ['fresh', 'split', 'known', 'lost'] as const;
const FIGURES = ['asked', 'kept', 'returned', 'forgotten'] as const;

export function fillCurriculum(registry: Registry): (status: Status) => void {
  const registers = [registry];
  const expected = new Gauge({
    name: 'quorum_curriculum_expected_ratio',
    help: 'Share of the questions chosen last whose groups are expected to be learnt from.',
    registers,
  });
  const questions = new Gauge({
    name: 'quorum_curriculum_questions',
    help: 'Questions by their last group: none yet, learnt from, all agreed, without a trusted vote.',
    labelNames: ['last'],
    registers,
  });
  const groups = new Gauge({
    name: 'quorum_curriculum_cluster_groups',
    help: 'Groups of the most asked clusters: asked, kept; of retired questions asked again, and kept ones among them.',
    labelNames: ['cluster', 'which'],
    registers,
  });
  const retired = new Gauge({
    name: 'quorum_curriculum_cluster_retired',
    help: 'Questions of these clusters that were known, twice in a row at least.',
    labelNames: ['cluster'],
    registers,
  });
  return ({ curriculum }) => {
    for (const gauge of [questions, groups, retired]) gauge.reset();
    if (curriculum === undefined || curriculum.expected === null) expected.remove();
    else expected.set(curriculum.expected);
    if (curriculum === undefined) return;
    for (const last of STATES) questions.set({ last }, curriculum[last]);
    for (const cluster of curriculum.most) {
      retired.set({ cluster: cluster.name }, cluster.retired);
      for (const which of FIGURES) groups.set({ cluster: cluster.name, which }, cluster[which]);
    }
  };
}
