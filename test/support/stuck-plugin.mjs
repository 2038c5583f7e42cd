/** A plug-in whose module is never loaded. */
process.stdout.write('stuck\n');
setInterval(() => {}, 60_000);
await new Promise(() => {});
export default undefined;
