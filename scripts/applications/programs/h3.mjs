import { H3, serve } from 'h3'

const app = new H3().get('/', () => 'Hello World!')

serve(app, { port: process.env.PORT })
