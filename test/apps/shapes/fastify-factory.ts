import Fastify from 'fastify'

export function build() {
  return Fastify().get('/', async () => 'fastify factory')
}
