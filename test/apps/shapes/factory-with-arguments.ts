interface Options {
  readonly count?: number
}

export function create_app(greeting: string, { count = 1 }: Options = {}) {
  return (_req: unknown, res: { end(text: string): void }) => res.end(greeting.repeat(count))
}
