/** Every conversation that the fuzzers hold. */
import type { Conversation } from '../conversation.ts'

export const conversations: readonly Conversation[] = []
