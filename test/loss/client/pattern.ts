/** Bodies that identify their request: one that is lost, cut, repeated or swapped does not compare equal. */
export const bodyLength = 16_384

const stampLength = 16
const noise = makeNoise(bodyLength * 5)

/** The request's number at both ends, and between them bytes from an offset that depends on the number. */
export function bodyOf(id: number): Buffer {
  const from = (id * 61) % (noise.length - bodyLength)
  const body = Buffer.allocUnsafe(bodyLength)
  noise.copy(body, 0, from, from + bodyLength)
  const stamp = String(id).padStart(stampLength, '0')
  body.write(stamp, 0, 'latin1')
  body.write(stamp, bodyLength - stampLength, 'latin1')
  return body
}

/** The same on both sides, in every version of Node: a linear congruential generator. */
function makeNoise(length: number): Buffer {
  const bytes = Buffer.allocUnsafe(length)
  let state = 1
  for (let index = 0; index < length; index += 1) {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0
    bytes[index] = state >>> 24
  }
  return bytes
}
