/** The check `views`: a response's answer is what the model also says where its picture is changed a little. */
import type { CheckFinding } from '../../protocol/messages.ts';
import { NO_ANSWER } from '../vote.ts';

/**
 * @param own class of the response's answer.
 * @param others classes of the answers at the changed pictures.
 * @param share of the others that must give the same answer.
 */
export function checkViews(own: number, others: readonly number[], share: number): CheckFinding {
  if (own === NO_ANSWER) return { vote: null, why: 'it has no answer' };
  const answered = others.filter((other) => other !== NO_ANSWER);
  if (answered.length === 0) return { vote: null, why: 'no changed picture is answered' };
  const same = answered.filter((other) => other === own).length;
  if (same >= share * answered.length) return { vote: true };
  return { vote: false, why: `${same} of ${answered.length} answers at changed pictures are the same` };
}
