/** The command line from source, in a process of its own. */
import { main } from '../../src/cli.ts';

await main(process.argv);
