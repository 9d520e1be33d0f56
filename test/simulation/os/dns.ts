/** `node:dns/promises` of a simulated machine: every host is an address. */
export async function lookup(host: string): Promise<{ readonly address: string }> {
  return { address: host }
}
