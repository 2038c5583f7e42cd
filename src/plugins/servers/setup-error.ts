/** A server, or the run, is not set up for versions; the message says how. */
export class SetupError extends Error {}
