/**
 * What threads that compute see of the process's environment: nothing that could be a secret, as `HF_TOKEN` or a
 * cloud's keys are.
 */
const PASSED =
  /^(?:PATH|HOME|USERPROFILE|SystemRoot|TMPDIR|TEMP|TMP|TZ|LANG|LC_[A-Z]+|NODE_ENV|ORT_[A-Z_]+|TSX_[A-Z_]+|PISCINA_[A-Z_]+)$/;

export function threadEnvironment(environment: NodeJS.ProcessEnv = process.env): NodeJS.ProcessEnv {
  return Object.fromEntries(Object.entries(environment).filter(([name]) => PASSED.test(name)));
}
