export default async function start() {
  return (_req: unknown, res: { end(text: string): void }) => res.end('async factory')
}
