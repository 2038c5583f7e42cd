/**
 * Denies the vote to a response whose answer changes where its picture is moved by a pixel or so and made slightly noisy,
 * which does not change what it shows: further samples answer the same question about such pictures.
 */
import { API_VERSION, checkViews, definePlugin, extractAnswer } from 'quorum';
import { z } from 'zod';

const options = z.strictObject({
  views: z.int().min(1).max(16).default(2).describe('Changed pictures.'),
  samples: z.int().min(1).max(16).default(2).describe('Responses to each.'),
  share: z.number().gt(0).max(1).default(0.5).describe('Share of their answers that must be the same.'),
});

export default definePlugin({
  name: 'views',
  apiVersion: API_VERSION,
  options,
  ports: {
    check:
      ({ options: { views, samples, share }, seed, classify }) =>
      async ({ group, answers, further }) => {
        const { text, pictures, verbatim } = group.question;
        if (pictures.length === 0) return answers.map(() => ({ vote: null, why: 'it has no picture to change' }));
        if (further === undefined) {
          const changed = (view: number) =>
            pictures.map((of) => ({ type: 'disturbed' as const, of, seed: seed + group.sequence * views + view }));
          const asked = { text, ...(verbatim && { verbatim }) };
          return { questions: Array.from({ length: views }, (_, i) => ({ ...asked, pictures: changed(i) })), samples };
        }
        const others = further.flat().map((sample) => extractAnswer(sample.text));
        const classes = await classify([...answers, ...others]);
        return answers.map((_, i) => checkViews(classes[i]!, classes.slice(answers.length), share));
      },
  },
});
