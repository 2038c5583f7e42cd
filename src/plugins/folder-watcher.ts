/**
 * Asks about pictures dropped into a folder while the daemon runs, each question once, the data set's in between. The
 * questions: the option `questions`, and the lines of a text file next to the picture: `cat.txt` for `cat.png` (one
 * question a line), or `cat.jsonl` (objects with `problem`). A picture's name identifies it: give each its own.
 */
import { createHash } from 'node:crypto';
import { statSync } from 'node:fs';
import { readdir, readFile, stat } from 'node:fs/promises';
import { join, parse, resolve } from 'node:path';
import { API_VERSION, definePlugin, InputError, makeFolder, type PortContext, type Question } from 'quorum';
import { z } from 'zod';
import { draw } from './shared/draw.ts';
import { HandedOut } from './shared/handed-out.ts';

const PICTURE = /[.](png|jpe?g|webp|gif|tiff?|bmp|avif)$/i;
/** Of one picture. */
const MOST_QUESTIONS = 1000;
const LONGEST_QUESTION = 100_000;

const options = z.strictObject({
  folder: z
    .string()
    .min(1)
    .optional()
    .describe(
      "Folder to watch, relative to the configuration's folder; default: `pictures` in the plug-in's own folder.",
    ),
  questions: z
    .array(z.string().min(1).max(LONGEST_QUESTION))
    .max(MOST_QUESTIONS)
    .default([])
    .describe('Asked about every picture.'),
  settleSeconds: z
    .number()
    .min(0)
    .max(3600)
    .default(2)
    .describe('A picture is taken when it was last written so long ago: not while it is copied.'),
  repeat: z
    .boolean()
    .default(false)
    .describe("Ask again about the folder's pictures while none is new, instead of continuing with the data set."),
});

type Context = PortContext<z.output<typeof options>, 'ask'>;

export default definePlugin({
  name: 'folder-watcher',
  apiVersion: API_VERSION,
  options,
  ports: {
    ask: (context) => {
      const handedOut = new HandedOut(context.folder);
      const dropped = new DroppedPictures(context, (id) => handedOut.has(id));
      return handedOut.remembering(async (request, signal) => {
        const fresh = await dropped.take(request.count);
        if (fresh.length > 0) return fresh;
        return context.options.repeat && dropped.size > 0 ? dropped.again(request) : context.next(request, signal);
      });
    },
  },
});

class DroppedPictures {
  readonly #context: Context;
  readonly #folder: string;
  readonly #wasAsked: (id: string) => boolean;
  /** Names that were looked at: their questions are known, or they are no pictures. */
  readonly #done = new Set<string>();
  readonly #known: Question[] = [];
  #waiting: Question[] = [];

  constructor(context: Context, wasAsked: (id: string) => boolean) {
    this.#context = context;
    this.#wasAsked = wasAsked;
    this.#folder = watchedFolder(context);
  }

  /** Questions about all pictures so far. */
  get size(): number {
    return this.#known.length;
  }

  /** At most `count` new questions; empty when the folder has none. */
  async take(count: number): Promise<readonly Question[]> {
    if (this.#waiting.length < count) await this.#scan(count);
    const taken = this.#waiting.slice(0, count);
    this.#waiting = this.#waiting.slice(count);
    return taken;
  }

  again({ from, count }: { readonly from: number; readonly count: number }): readonly Question[] {
    return Array.from(
      { length: count },
      (_, i) => this.#known[Math.floor(draw(this.#context.seed, from + i) * this.#known.length)]!,
    );
  }

  async #scan(enough: number): Promise<void> {
    const names = new Set(await readdir(this.#folder));
    const fresh = [...names].filter((name) => PICTURE.test(name) && !this.#done.has(name)).sort();
    for (const name of fresh) {
      if (this.#waiting.length >= enough) return;
      const texts = await this.#textsOf(name, names);
      // Its text file may arrive after the picture.
      if (texts.length === 0 || !(await this.#isSettled(name))) continue;
      this.#done.add(name);
      const questions = texts.map((text) => this.#question(name, text));
      if (!(await this.#canBeRead(name))) continue;
      this.#known.push(...questions);
      this.#waiting.push(...questions.filter(({ id }) => !this.#wasAsked(id)));
    }
  }

  async #textsOf(picture: string, names: ReadonlySet<string>): Promise<readonly string[]> {
    const { name } = parse(picture);
    const read = async (beside: string) =>
      names.has(beside) ? lines(await readFile(join(this.#folder, beside), 'utf8')) : [];
    const plain = await read(`${name}.txt`);
    const objects = (await read(`${name}.jsonl`)).flatMap((line) => {
      const problem = problemOf(line);
      if (problem === undefined)
        this.#context.tell(
          `${name}.jsonl: a line is left out, which is no object with "problem": ${line.slice(0, 80)}`,
        );
      return problem ?? [];
    });
    const texts = [...this.#context.options.questions, ...plain, ...objects];
    return [...new Set(texts)].filter((text) => text.length <= LONGEST_QUESTION).slice(0, MOST_QUESTIONS);
  }

  async #isSettled(name: string): Promise<boolean> {
    const { mtimeMs } = await stat(join(this.#folder, name));
    // Whole milliseconds, as the clock has them.
    return Date.now() - Math.floor(mtimeMs) >= this.#context.options.settleSeconds * 1000;
  }

  async #canBeRead(name: string): Promise<boolean> {
    try {
      await this.#context.picture({ type: 'file', path: join(this.#folder, name) });
      return true;
    } catch (error) {
      this.#context.tell(`${name} is left out: ${(error as Error).message}`);
      return false;
    }
  }

  #question(name: string, text: string): Question {
    const id = `folder-watcher-${createHash('sha256')
      .update(JSON.stringify([name, text]))
      .digest('hex')
      .slice(0, 24)}`;
    return { id, text, pictures: [{ type: 'file', path: join(this.#folder, name) }], origin: 'plugin' };
  }
}

function watchedFolder({ folder, base, options: { folder: given } }: Context): string {
  if (given === undefined) {
    makeFolder(join(folder, 'pictures'));
    return join(folder, 'pictures');
  }
  const path = resolve(base, given);
  if (statSync(path, { throwIfNoEntry: false })?.isDirectory() !== true)
    throw new InputError(`options.folder: there is no folder ${path}: make it`);
  return path;
}

function lines(text: string): readonly string[] {
  return text
    .split('\n')
    .map((line) => line.trim())
    .filter((line) => line !== '');
}

const sidecar = z.object({ problem: z.string().trim().min(1) });

function problemOf(line: string): string | undefined {
  try {
    return sidecar.safeParse(JSON.parse(line)).data?.problem;
  } catch {
    return undefined;
  }
}
