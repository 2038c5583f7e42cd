/** Asks the NVIDIA driver's own tool about the GPUs of this machine. */
import { execFile } from 'node:child_process';
import { promisify } from 'node:util';

const MILLISECONDS = 60_000;

/**
 * @param fields as `nvidia-smi --help-query-gpu` lists them. @returns their values for each GPU, without units; memory
 * is in MiB. @throws the error of `execFile` when the tool is missing or the driver does not answer.
 */
export async function nvidiaSmi(fields: readonly string[]): Promise<string[][]> {
  const query = [`--query-gpu=${fields.join(',')}`, '--format=csv,noheader,nounits'];
  const { stdout } = await promisify(execFile)('nvidia-smi', query, { timeout: MILLISECONDS });
  const lines = stdout.split('\n').filter((line) => line.trim() !== '');
  return lines.map((line) => line.split(',').map((value) => value.trim()));
}
