/**
 * Denies the vote to a response whose list of what it reads off the picture is not what most further samples say, which
 * are asked to read the picture and to answer nothing. A response without such a list keeps its vote.
 */
import { API_VERSION, checkPremises, definePlugin, premisesOf, readingPrompt } from 'quorum';
import { z } from 'zod';

const options = z.strictObject({
  samples: z.int().min(1).max(64).default(4).describe('Readings of each picture.'),
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
        const hasList = pictures.length > 0 && texts.some((response) => premisesOf(response) !== null);
        if (further === undefined && hasList)
          return { questions: [{ text: readingPrompt(text), pictures, verbatim: true }], samples, temperature };
        const readings = further?.[0]?.map((reading) => reading.text) ?? [];
        return texts.map((response) => checkPremises(response, readings));
      },
  },
});
