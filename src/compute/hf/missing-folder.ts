/** A model is a folder; what is named instead is often a model on the Hugging Face hub. */
import { existsSync } from 'node:fs';
import { basename, dirname, resolve } from 'node:path';

/** Advice for a missing model folder; undefined if it exists. */
export function missingFolder(path: string): string | undefined {
  const folder = resolve(path);
  if (existsSync(folder)) return undefined;
  const missing = `model ${folder}: there is no such folder`;
  const [owner, name] = [basename(dirname(folder)), basename(folder)];
  if (!isHubName(folder, `${owner}/${name}`)) return `${missing}; name one that holds a model`;
  return (
    `${missing}. If ${owner}/${name} is a model on the Hugging Face hub, get its folder first, since Quorum downloads no model: ` +
    `\`pip install huggingface_hub && hf download ${owner}/${name} --local-dir ./${name}\`, then name the folder: \`--model ./${name}\``
  );
}

/** `owner/name` as it stands, or after the hub's address: where a folder is meant, the one above it is mostly there. */
function isHubName(folder: string, name: string): boolean {
  const above = dirname(folder);
  const isAddress = /[/\\]https?:[/\\]/.test(folder);
  return /^[\w.-]+\/[\w.-]+$/.test(name) && !existsSync(above) && (isAddress || existsSync(dirname(above)));
}
