/**
 * Takes questions over the network: `POST /questions` with a JSON object, or one such object a message over a WebSocket
 * at the same path. When its queue is full, POST answers 429 and a WebSocket is not read. While it is empty the data
 * set's questions are asked. A question is on disk before its sender gets its id, and is asked exactly once even if the
 * daemon is killed.
 */
import { randomUUID } from 'node:crypto';
import { join, resolve } from 'node:path';
import { API_VERSION, definePlugin, type PictureRef, type Question } from 'quorum';
import { z } from 'zod';
import { Pictures } from './intake/pictures.ts';
import { IntakeQueue } from './intake/queue.ts';
import { Refusal } from './intake/refusal.ts';
import { openDoors } from './intake/server.ts';
import { HandedOut } from './shared/handed-out.ts';
import { Lines } from './shared/lines.ts';
import { isLoopback } from './shared/listen.ts';

const MEGABYTE = 1_000_000;
/** Base64 is four thirds of its data; the rest of a question is small. */
const BASE64 = 4 / 3;
const MOST_PICTURES = 16;

const megabytes = (most: number) => z.number().positive().max(most);

const options = z
  .strictObject({
    port: z
      .int()
      .min(0)
      .max(65_535)
      .default(4748)
      .describe('Port to listen on; 0 picks a free one, which the log names.'),
    host: z
      .string()
      .min(1)
      .default('127.0.0.1')
      .describe('Address to listen on; any but a loopback address needs `token`.'),
    token: z.string().min(16).max(256).optional().describe('What senders must give as `Authorization: Bearer ...`.'),
    maxWaiting: z.int().min(1).max(100_000).default(256).describe('Questions that wait, at most.'),
    pictureFolder: z
      .string()
      .min(1)
      .optional()
      .describe('Folder whose pictures questions may name by path; without it no paths are accepted.'),
    maxPictureMegabytes: megabytes(256).default(16).describe("Size of all pictures' data in one question."),
    maxKeptMegabytes: megabytes(1_000_000).default(1000).describe('Of pictures that were sent; the oldest go.'),
  })
  .refine(({ host, token }) => isLoopback(host) || token !== undefined, {
    path: ['token'],
    message: 'is needed when host is not a loopback address',
  });

const incoming = z.strictObject({
  text: z.string().trim().min(1).max(100_000),
  pictures: z
    .array(
      z.union(
        [z.strictObject({ data: z.string().min(1) }), z.strictObject({ path: z.string().min(1).max(4096) })],
        'expected {data} or {path}',
      ),
    )
    .max(MOST_PICTURES)
    .default([]),
  id: z.string().min(1).max(256).optional(),
  kind: z.string().min(1).max(256).optional(),
  verbatim: z.literal(true).optional(),
});

export default definePlugin({
  name: 'intake',
  apiVersion: API_VERSION,
  options,
  ports: {
    ask: async (context) => {
      const { host, port, token, maxWaiting, pictureFolder, maxPictureMegabytes, maxKeptMegabytes } = context.options;
      const handedOut = new HandedOut(context.folder);
      const file = new Lines<Question>(join(context.folder, 'waiting.jsonl'));
      const queue = new IntakeQueue({
        file,
        most: maxWaiting,
        signal: context.signal,
        wasAsked: (id) => handedOut.has(id),
      });
      const pictures = new Pictures({
        folder: join(context.folder, 'pictures'),
        pictureFolder: pictureFolder === undefined ? undefined : resolve(context.base, pictureFolder),
        maxPictureBytes: maxPictureMegabytes * MEGABYTE,
        maxKeptBytes: maxKeptMegabytes * MEGABYTE,
        decode: (ref) => context.picture(ref),
        waiting: () => queue.paths,
      });
      const address = await openDoors({
        host,
        port,
        token,
        signal: context.signal,
        maxBytes: Math.ceil(maxPictureMegabytes * MEGABYTE * BASE64) + MEGABYTE,
        isFull: () => queue.isFull,
        room: () => queue.room(),
        accept: async (body) => {
          const question = await questionOf(body, pictures);
          queue.add(question);
          return { id: question.id, waiting: queue.size };
        },
        onError: (error) => context.tell(`a question was lost: ${String(error)}`),
      });
      context.tell(`questions are taken at ${address}`);
      return handedOut.remembering(async (request, signal) => {
        const taken = queue.take(request.count);
        return taken.length > 0 ? taken : context.next(request, signal);
      });
    },
  },
});

/** @throws Refusal that names the field. */
async function questionOf(body: unknown, pictures: Pictures): Promise<Question> {
  const parsed = incoming.safeParse(body);
  if (!parsed.success) {
    const words = parsed.error.issues.map(({ path, message }) =>
      path.length > 0 ? `${path.join('.')}: ${message}` : message,
    );
    throw new Refusal(400, words.join('; '));
  }
  const { text, pictures: given, id = `intake-${randomUUID()}`, kind, verbatim } = parsed.data;
  const refs: PictureRef[] = [];
  for (const picture of given)
    refs.push('data' in picture ? await pictures.keep(picture.data) : await pictures.find(picture.path));
  return {
    id,
    text,
    pictures: refs,
    origin: 'plugin',
    ...(kind !== undefined && { kind }),
    ...(verbatim && { verbatim }),
  };
}
