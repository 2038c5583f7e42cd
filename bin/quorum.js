#!/usr/bin/env node
// The command: makes the clone ready where it is one, then hands over to src/cli.ts.
import { bootstrap, orExplain, ROOT } from './bootstrap.js';

orExplain(() => bootstrap({ root: ROOT, build: true }));
const { main } = await import('../dist/src/cli.js');
await main(process.argv);
