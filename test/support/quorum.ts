/** The command line from source, in a process of its own. */
import './ends-with-test.ts';
import { main } from '../../src/cli.ts';

await main(process.argv);
