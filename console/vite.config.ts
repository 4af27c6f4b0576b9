import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { svelte } from '@sveltejs/vite-plugin-svelte';
import license from 'rollup-plugin-license';
import { defineConfig } from 'vite';

/** Where `npm run dev` finds a running service. */
const SERVICE = process.env.KEN_URL ?? 'http://127.0.0.1:8080';

/** Where `npm run build` puts what it makes. */
const DIST = process.env.KEN_DIST ?? fileURLToPath(new URL('dist', import.meta.url));

export default defineConfig(({ command }) => ({
  // The service has its API beside the page; what the page consists of lies under one prefix.
  base: command === 'build' ? '/console/' : '/',
  plugins: [
    svelte(),
    // The licences of what is linked in travel with it.
    license({
      thirdParty: {
        output: { file: join(DIST, 'licences.txt'), encoding: 'utf-8' },
      },
    }),
  ],
  resolve: { alias: { $lib: fileURLToPath(new URL('src/lib', import.meta.url)), $ui: fileURLToPath(new URL('src/ui', import.meta.url)) } },
  build: {
    outDir: DIST,
    emptyOutDir: true,
    target: 'es2022',
    // The content security policy allows no inline code and no `data:` script.
    assetsInlineLimit: 0,
    modulePreload: { polyfill: false },
    reportCompressedSize: false,
  },
  server: {
    proxy: Object.fromEntries(
      ['/v1', '/docs', '/openapi.json', '/healthz', '/readyz', '/metrics'].map((path) => [path, SERVICE]),
    ),
  },
}));
