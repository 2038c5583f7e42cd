/** Import this module before onnxruntime-node. */
import { preloadRuntime } from './cuda-libraries.ts';

preloadRuntime();
