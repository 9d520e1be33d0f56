/** A WSGI application of Python in two workers with four threads each, at http://127.0.0.1:8000. */
import { defineConfig } from 'tsicorn'

export default defineConfig({
  app: 'app:application',
  worker_class: 'wsgi',
  workers: 2,
  threads: 4,
})
