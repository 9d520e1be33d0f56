/** Two workers for a server that calls `listen` itself, and is not changed for them. */
import { defineConfig } from 'tsicorn'

export default defineConfig({
  app: './server.js',
  // The port that the app asks for, or none: it listens on process.env.PORT, which tsicorn sets.
  bind: '127.0.0.1:8000',
  workers: 2,
})
