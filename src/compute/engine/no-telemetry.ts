/**
 * ONNX Runtime's prebuilt library counts sessions and models in a database under the user's cache folder and sends the
 * counts to its maker. Nobody asked for that. It reads this variable when it is loaded, and threads copy their
 * environment, so this is imported wherever the library is, and where threads that load it are started.
 */
process.env['ORT_DISABLE_TELEMETRY'] ??= '1';
