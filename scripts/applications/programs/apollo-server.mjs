import { ApolloServer } from '@apollo/server'
import { startStandaloneServer } from '@apollo/server/standalone'

const typeDefs = `#graphql
  type Query { hello: String }
`
const resolvers = { Query: { hello: () => 'Hello World!' } }
const server = new ApolloServer({ typeDefs, resolvers, csrfPrevention: false })
const { url } = await startStandaloneServer(server, { listen: { port: process.env.PORT } })
console.log(`Server ready at ${url}`)
