/**
 * Builds the dashboard's pages into dist/dashboards/client, self-contained: no request leaves the daemon's own address.
 */
import { defineConfig } from 'vite';

export default defineConfig({
  root: import.meta.dirname,
  base: './',
  clearScreen: false,
  build: {
    outDir: `${import.meta.dirname}/../../dist/dashboards/client`,
    emptyOutDir: true,
    target: 'es2022',
    modulePreload: { polyfill: false },
    // A picture inlined as data: would need a wider content security policy.
    assetsInlineLimit: 0,
    reportCompressedSize: true,
  },
});
