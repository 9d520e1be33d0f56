import { defineConfig } from 'tsicorn'

export default defineConfig({
  app: './examples/hello/app.ts',
})
