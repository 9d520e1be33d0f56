/** Two workers for an app without a framework, at http://127.0.0.1:8000. */
import { defineConfig } from 'tsicorn'

export default defineConfig({
  app: './app.ts',
  bind: '127.0.0.1:8000',
  workers: 2,
})
