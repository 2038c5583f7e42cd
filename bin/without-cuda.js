/**
 * Runs as the `preinstall` script of the package, before the installers of its dependencies. On Linux x64 that of
 * onnxruntime-node downloads ONNX Runtime's CUDA libraries from outside the npm registry, and where it cannot, npm
 * undoes the whole install. It downloads nothing when the files exist, so this script puts a placeholder where each of
 * them belongs. `quorum setup cuda` installs the libraries, in another folder.
 */
import { existsSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';

const TEXT = 'Not a library. `quorum setup cuda` installs the CUDA libraries in another folder.\n';

function standIn() {
  const require = createRequire(import.meta.url);
  const platform = `${process.platform}/${process.arch}`;
  const { requirements, manifests } = require('onnxruntime-node/script/install-metadata.js');
  const files = requirements[platform].flatMap((name) => Object.keys(manifests[`${platform}:${name}`]));
  const folder = join(dirname(require.resolve('onnxruntime-node/package.json')), 'bin', 'napi-v6', platform);
  for (const file of files.map((name) => join(folder, name))) if (!existsSync(file)) writeFileSync(file, TEXT);
}

// With one of these set, the installer has been told what to do.
if (!process.env.ONNXRUNTIME_NODE_INSTALL && !process.env.npm_config_onnxruntime_node_install) {
  try {
    standIn();
  } catch (error) {
    // The install must not fail here: at worst the installer of onnxruntime-node does what it would have done.
    console.error(`onnxruntime-node could not be kept from downloading its CUDA libraries: ${error.message}`);
  }
}
