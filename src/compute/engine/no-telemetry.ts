/**
 * ONNX Runtime's prebuilt library counts sessions and models in a database under the user's cache folder and sends the
 * counts to its maker. This variable turns that off. The library reads it when it is loaded, and threads copy their
 * environment, so import this module before the library and before starting threads that load it.
 */
process.env['ORT_DISABLE_TELEMETRY'] ??= '1';
