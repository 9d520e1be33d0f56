/** Sites built by their framework: for each, the smallest one that its documentation starts with. */
import type { Application } from './application.ts'

const PORT = { PORT: '{port}' }
const react = { react: '19.3.1', 'react-dom': '19.3.1' }

export const sites: readonly Application[] = [
  {
    name: 'next',
    packages: { next: '16.4.6', ...react },
    files: {
      'next.config.js': "module.exports = { output: 'standalone' }\n",
      'app/layout.js':
        'export default function Layout({ children }) {\n  return <html><body>{children}</body></html>\n}\n',
      'app/page.js':
        "export const dynamic = 'force-dynamic'\n\nexport default function Page() {\n  return <h1>Hello World!</h1>\n}\n",
    },
    prepare: [['./node_modules/.bin/next', 'build']],
    start: ['./.next/standalone/server.js'],
    env: PORT,
    says: 'Hello World!',
  },
  {
    name: 'nuxt',
    packages: { nuxt: '4.5.2' },
    files: { 'app/app.vue': '<template>\n  <h1>Hello World!</h1>\n</template>\n' },
    module: true,
    prepare: [['./node_modules/.bin/nuxt', 'build']],
    start: ['./.output/server/index.mjs'],
    env: PORT,
    says: 'Hello World!',
  },
  {
    name: 'nitro',
    packages: { nitro: '3.0.0' },
    files: {
      'routes/index.mjs':
        "import { defineEventHandler } from 'nitro/h3'\n\nexport default defineEventHandler(() => 'Hello World!')\n",
    },
    module: true,
    prepare: [['./node_modules/.bin/nitro', 'build']],
    start: ['./.output/server/index.mjs'],
    env: PORT,
    says: 'Hello World!',
  },
  {
    name: 'astro',
    packages: { astro: '7.3.5', '@astrojs/node': '11.1.6' },
    files: {
      'astro.config.mjs': `import node from '@astrojs/node'
import { defineConfig } from 'astro/config'

export default defineConfig({ output: 'server', adapter: node({ mode: 'standalone' }) })
`,
      'src/pages/index.astro': '<h1>Hello World!</h1>\n',
    },
    module: true,
    prepare: [['./node_modules/.bin/astro', 'build']],
    start: ['./dist/server/entry.mjs'],
    env: PORT,
    says: 'Hello World!',
  },
  {
    name: 'sveltekit',
    packages: {
      '@sveltejs/kit': '3.2.0',
      '@sveltejs/adapter-node': '6.0.1',
      '@sveltejs/vite-plugin-svelte': '7.3.1',
      svelte: '5.57.3',
      vite: '8.3.8',
    },
    files: {
      'vite.config.js': `import adapter from '@sveltejs/adapter-node'
import { sveltekit } from '@sveltejs/kit/vite'

export default { plugins: [sveltekit({ adapter: adapter() })] }
`,
      'src/app.html':
        '<!doctype html>\n<html><head>%sveltekit.head%</head><body>%sveltekit.body%</body></html>\n',
      'src/routes/+page.svelte': '<h1>Hello World!</h1>\n',
    },
    module: true,
    prepare: [['./node_modules/.bin/vite', 'build']],
    start: ['./build/index.js'],
    env: PORT,
    says: 'Hello World!',
  },
  {
    name: 'react-router',
    packages: {
      '@react-router/serve': '8.4.0',
      '@react-router/node': '8.4.0',
      '@react-router/dev': '8.4.0',
      'react-router': '8.4.0',
      ...react,
      isbot: '5.2.3',
      vite: '8.3.8',
    },
    files: {
      'vite.config.js': `import { reactRouter } from '@react-router/dev/vite'

export default { plugins: [reactRouter()] }
`,
      'app/routes.js':
        "import { index } from '@react-router/dev/routes'\n\nexport default [index('home.jsx')]\n",
      'app/root.jsx': `import { Outlet, Scripts } from 'react-router'

export default function Root() {
  return <html><body><Outlet /><Scripts /></body></html>
}
`,
      'app/home.jsx': 'export default function Home() {\n  return <h1>Hello World!</h1>\n}\n',
    },
    module: true,
    prepare: [['./node_modules/.bin/react-router', 'build']],
    start: ['./node_modules/.bin/react-router-serve', './build/server/index.js'],
    env: PORT,
    says: 'Hello World!',
  },
]
