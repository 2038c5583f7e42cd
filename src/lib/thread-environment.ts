/**
 * The environment variables that compute threads see: none that could be a secret, such as `HF_TOKEN` or a cloud's
 * keys.
 */
const PASSED =
  /^(?:PATH|HOME|USERPROFILE|SystemRoot|TMPDIR|TEMP|TMP|TZ|LANG|LC_[A-Z]+|NODE_ENV|ORT_[A-Z_]+|XDG_CACHE_HOME|CUDA_[A-Z_]+|TSX_[A-Z_]+|PISCINA_[A-Z_]+)$/;

export function threadEnvironment(environment: NodeJS.ProcessEnv = process.env): NodeJS.ProcessEnv {
  return Object.fromEntries(Object.entries(environment).filter(([name]) => PASSED.test(name)));
}
