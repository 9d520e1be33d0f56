import { initTRPC } from '@trpc/server'
import { createHTTPHandler } from '@trpc/server/adapters/standalone'

const t = initTRPC.create()
const router = t.router({ hello: t.procedure.query(() => 'Hello World!') })

export default createHTTPHandler({ router, createContext: () => ({}) })
