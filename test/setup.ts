/** Before each test file: properties draw the same cases in every run. PROPERTY_SEED tries others. */
import fc from 'fast-check';

fc.configureGlobal({ seed: Number(process.env['PROPERTY_SEED'] ?? 20) });
