/**
 * Answers a question about a picture: samples several responses, and takes the vote of their answers.
 *
 *     npx tsx examples/answer.ts models/mini figure.png "how many discs ?"
 */
import { generate, InputError, openModel } from 'quorum';

const [folder, image, text] = process.argv.slice(2);
if (folder === undefined || image === undefined || text === undefined) {
  throw new InputError(
    'usage: answer.ts MODEL PICTURE QUESTION, such as: answer.ts models/mini figure.png "how many discs ?"',
  );
}

// Settings are those of a configuration file; what is not named has the default for this model.
await using model = await openModel(folder, { sampling: { maxNewTokens: 48 } });
const { samples, answer, share } = await generate(model, { text, images: [image] }, { samples: 8, seed: 1 });

for (const sample of samples) console.log(`${sample.answer ?? 'no answer'}: ${sample.text.trim()}`);
console.log(
  answer === null ? 'no response has an answer in \\boxed{}' : `${answer} (${Math.round(100 * share)} % of the votes)`,
);
