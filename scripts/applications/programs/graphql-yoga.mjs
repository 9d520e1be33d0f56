import { createServer } from 'node:http'
import { createSchema, createYoga } from 'graphql-yoga'

const schema = createSchema({
  typeDefs: 'type Query { hello: String }',
  resolvers: { Query: { hello: () => 'Hello World!' } },
})
const yoga = createYoga({ schema })
const server = createServer(yoga)
server.listen(process.env.PORT, () => {
  console.info('Server is running')
})
