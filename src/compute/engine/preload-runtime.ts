/** Imported before onnxruntime-node, wherever that is. */
import { preloadRuntime } from './cuda-libraries.ts';

preloadRuntime();
