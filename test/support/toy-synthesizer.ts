/**
 * A plug-in that writes distinguishable questions without a model: every fourth text is not a question, every fifth
 * repeats the one before.
 */
import { API_VERSION, definePlugin } from '../../src/plugin/define.ts';
import type { Question } from '../../src/protocol/messages.ts';
import type { Synthesize, Written } from '../../src/protocol/ports.ts';

const WORDS = ['red', 'green', 'blue', 'grey', 'small', 'large', 'round', 'square', 'first', 'last'] as const;

function textOf(n: number): string {
  const words = [n, n >> 1, n >> 3, n >> 5].map((i) => WORDS[i % WORDS.length]!);
  return `How ${words.join(' ')} is number ${n} of those?`;
}

export function toyWritten(n: number): Written {
  const text = n % 4 === 3 ? 'no question' : textOf(n % 5 === 4 ? n - 1 : n);
  const question: Question = { id: `direct/toy/${n}`, text, pictures: [], origin: 'direct' };
  return { question, seed: null, finish: 'stop' };
}

export const toySynthesize: Synthesize = ({ from, count }) =>
  Promise.resolve(Array.from({ length: count }, (_, i) => toyWritten(from + i)));

export default definePlugin({
  name: 'toy-synthesizer',
  apiVersion: API_VERSION,
  ports: { synthesize: () => toySynthesize },
});
