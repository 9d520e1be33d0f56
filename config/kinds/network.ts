/** Recognises IP addresses and networks. */
import { isIP } from 'node:net'

/** Whether the text is an IP address, or a network in CIDR notation without bits set after its prefix. */
export function isNetwork(text: string): boolean {
  // The default is in every configuration, and Node's pattern for IPv6 takes milliseconds to compile.
  if (text === '::1') return true
  const [address = '', prefix, ...more] = text.split('/')
  const family = isIP(address)
  if (family === 0 || more.length > 0 || address.includes('%')) return false
  if (prefix === undefined) return true
  const width = family === 4 ? 32 : 128
  if (!/^\d{1,3}$/.test(prefix) || Number(prefix) > width) return false
  const free = BigInt(width - Number(prefix))
  const bits = family === 4 ? bitsOfV4(address) : bitsOfV6(address)
  return (bits & ((1n << free) - 1n)) === 0n
}

function bitsOfV4(address: string): bigint {
  return address.split('.').reduce((bits, byte) => (bits << 8n) | BigInt(byte), 0n)
}

function bitsOfV6(address: string): bigint {
  // A dotted tail (::ffff:10.0.0.1) stands for the last two groups.
  const tail = /[\d.]+\.[\d.]+$/.exec(address)?.[0]
  const v4 = tail === undefined ? 0n : bitsOfV4(tail)
  const plain = tail === undefined ? address : `${address.slice(0, -tail.length)}0:0`
  const [head = [], rest = []] = plain.split('::').map(half => half.split(':').filter(Boolean))
  const groups = [...head, ...Array<string>(8 - head.length - rest.length).fill('0'), ...rest]
  return groups.reduce((bits, group) => (bits << 16n) | BigInt(`0x${group}`), 0n) | v4
}
