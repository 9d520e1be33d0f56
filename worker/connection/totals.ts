/** Answers as the scoreboard counts them: by class of status, and by how long they took. */
import type { ServerResponse } from 'node:http'
import { isWhole } from '../http/response.ts'
import { fieldIndex } from '../protocol/scoreboard.ts'

const responses = fieldIndex('responses_0')
const took = fieldIndex('took_1ms')

const buckets = [1, 5, 25, 100, 500, 2_500, 10_000] as const

export function countAnswer(record: Float64Array, res: ServerResponse, milliseconds: number): void {
  const finished = isWhole(res) ? Math.floor(res.statusCode / 100) : 0
  record[responses + (finished >= 1 && finished <= 5 ? finished : 0)]! += 1
  let bucket = 0
  while (bucket < buckets.length && milliseconds > buckets[bucket]!) bucket += 1
  record[took + bucket]! += 1
}
