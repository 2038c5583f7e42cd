/** `setup cuda` fetches what the engine `cuda` needs beyond the npm packages. */
import { Command } from 'commander';
import type { SetupOptions } from '../setup-cuda.ts';

const HELP = `
pip fetches the wheels from whichever index it is set to: about 1.5 GB, and 2.5 GB on the disk. The machine needs the
NVIDIA driver and Python 3 with pip; no CUDA toolkit. Quorum runs without Python.

Examples:
  quorum setup cuda
  quorum setup cuda --wheels /media/wheels     from a folder, on a machine without a network
  quorum setup cuda --python-libraries         fetches 0.25 GB where PyTorch for CUDA 13 is installed
  quorum setup cuda --no-driver-check          where an image is built, on a machine without a GPU
  quorum setup cuda --remove`;

export function setupCommand(): Command {
  const cuda = new Command('cuda')
    .description("Install ONNX Runtime's CUDA provider and NVIDIA's libraries into the user's cache folder.")
    .option('--wheels <folder>', 'take the wheels from this folder and from no network')
    .option(
      '--python-libraries',
      "link to NVIDIA's libraries of python3's packages, as PyTorch for CUDA 13 brings them",
    )
    .option('--no-driver-check', 'install where no GPU is seen, as in the build of an image')
    .option('--remove', 'delete what this command installed')
    .addHelpText('after', HELP)
    .action(setup);
  return new Command('setup').description('Install what an engine needs.').addHelpText('after', HELP).addCommand(cuda);
}

async function setup(options: SetupOptions & { readonly remove?: boolean }): Promise<void> {
  const { installCuda, removeCuda } = await import('../setup-cuda.ts');
  if (options.remove === true) return removeCuda();
  const { interruptible } = await import('../interrupt.ts');
  await interruptible(
    () => console.log('Interrupted: removing what was downloaded.'),
    (signal) => installCuda(options, signal),
  );
}
