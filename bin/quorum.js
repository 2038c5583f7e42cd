#!/usr/bin/env node
// The command: makes the clone ready where it is one, then hands over to src/cli.ts.
import { bootstrap, orExplain, ROOT } from './bootstrap.js';

orExplain(() => bootstrap({ root: ROOT, build: true }));

// `quorum status | head` closes the pipe early; that is no failure.
process.stdout.on('error', (error) => {
  if (error.code === 'EPIPE') process.exit(0);
  // The terminal is gone: SIGHUP says so too, and a daemon then stops cleanly.
  if (error.code === 'EIO') return;
  throw error;
});

const { main } = await import('../dist/src/cli.js');
await main(process.argv);

// A command that is done must not linger because something was left open.
setTimeout(() => process.exit(), 5_000).unref();
