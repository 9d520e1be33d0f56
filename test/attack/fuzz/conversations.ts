/** All that hostile clients of HTTP do here. */
import type { Conversation } from '../conversation.ts'
import { http2Conversations } from './frames/http2.ts'
import { http1Conversations } from './messages/http1.ts'
import { webSocketConversations } from './messages/websocket.ts'
import { pastConversations } from './past.ts'
import { proxyConversations } from './proxies.ts'
import { tlsConversations } from './tls.ts'

export const conversations: readonly Conversation[] = [
  ...pastConversations,
  ...http1Conversations,
  ...webSocketConversations,
  ...proxyConversations,
  ...http2Conversations,
  ...tlsConversations,
]
