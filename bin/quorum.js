#!/usr/bin/env node
// The command: makes the clone ready where it is one, then hands over to src/cli.ts.
import { bootstrap, orExplain, ROOT } from './bootstrap.js';

await orExplain(() => bootstrap({ root: ROOT, build: true }));

// The reader of the output is gone: `quorum status | head`, a closed terminal. What is written is lost; the command
// still does what it was asked to.
for (const stream of [process.stdout, process.stderr]) {
  stream.on('error', (error) => {
    if (error.code !== 'EPIPE' && error.code !== 'EIO') throw error;
  });
}

const { main } = await import('../dist/src/cli.js');
await main(process.argv);

// A command that is done must not linger because something was left open.
setTimeout(() => process.exit(), 5_000).unref();
