/**
 * Denies the vote to a response whose list of what it reads off the picture is not what most further samples say, which
 * are asked to read the picture and to answer nothing; with `samples: 0`, not what most responses of its own group list.
 * A response without such a list keeps its vote.
 */
import { API_VERSION, checkPremises, definePlugin, premisesOf, readingPrompt } from 'quorum';
import { z } from 'zod';

const options = z.strictObject({
  samples: z
    .int()
    .min(0)
    .max(64)
    .default(4)
    .describe('Readings of each picture; 0: the lists of the responses themselves, which cost no further samples.'),
  temperature: z.number().min(0).max(10).optional().describe('Of the readings; default: that of the responses.'),
});

export default definePlugin({
  name: 'premises',
  apiVersion: API_VERSION,
  options,
  ports: {
    check:
      ({ options: { samples, temperature } }) =>
      ({ group, further }) => {
        const texts = group.samples.map(({ text }) => text);
        const { text, pictures } = group.question;
        const lists = texts.flatMap((response) => premisesOf(response) ?? []);
        if (samples === 0) return texts.map((response) => checkPremises(response, lists));
        if (further === undefined && pictures.length > 0 && lists.length > 0)
          return { questions: [{ text: readingPrompt(text), pictures, verbatim: true }], samples, temperature };
        const readings = further?.[0]?.map((reading) => reading.text) ?? [];
        return texts.map((response) => checkPremises(response, readings));
      },
  },
});
