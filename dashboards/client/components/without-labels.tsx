/**
 * A notice above all else that accuracy cannot be measured, and which figures to watch instead
 * (docs/without-labels.md).
 */
import { shallowSame } from '../cell.ts';
import { count } from '../format.ts';
import { useLive } from '../session.ts';

export function WithoutLabels() {
  const { questions, labelled, guarded } =
    useLive(
      ({ labelFree, guardian }) => ({
        questions: labelFree?.questions,
        labelled: labelFree?.labelled,
        guarded: guardian !== undefined,
      }),
      shallowSame,
    ) ?? {};
  if (questions === undefined || labelled === undefined) return null;
  const canaries = guarded === true ? ', and what the guardian says of its canaries' : '';
  return (
    <p class="without-labels" role="note">
      {questions === 0
        ? `No question is held out, so accuracy cannot be measured: watch the vote share, the entropy and the response length${canaries}.`
        : labelled === 0
          ? `This data has no labels, so accuracy cannot be measured: watch how many of the answers to the ${count(questions)} held-out questions stay those of the base, their vote share, entropy and response length${canaries}.`
          : `${count(labelled)} of the ${count(questions)} held-out questions have a label: accuracy is measured on those alone.`}
    </p>
  );
}
