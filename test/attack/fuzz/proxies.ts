/** Conversations that begin with headers of the PROXY protocol, right or wrong. */
import type { Conversation } from '../conversation.ts'
import { chance, pick } from '../random.ts'
import { resegment } from './mutation.ts'
import { conversation } from './player.ts'
import { anyHeader } from './proxy-header.ts'
import { pause, type Script, wait, write } from './step.ts'

const get = 'GET / HTTP/1.1\r\nHost: test\r\n\r\n'

export const proxyConversations: readonly Conversation[] = [
  conversation('a PROXY header, right or wrong, once or often', (random): Script => {
    const headers = Array.from({ length: pick(random, [1, 1, 1, 2, 3]) }, () => anyHeader(random))
    const ending = chance(random, 0.7) ? [write(get), wait()] : [pause(5)]
    return {
      alpn: [],
      plain: chance(random, 0.7),
      // Of its own: nothing goes before it.
      preamble: Buffer.alloc(0),
      steps: resegment(random, [...headers.map(write), ...ending]),
    }
  }),
]
