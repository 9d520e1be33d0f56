/** A request below the path where the app is mounted: what it finds where, as under Express's `app.use(path, app)`. */
interface Mounted {
  url?: string | undefined
  baseUrl?: string
  originalUrl?: string
}

/** Without slashes at its end; empty for the root. */
export function normalizeMount(path: string): string {
  return path.replace(/\/+$/, '')
}

/**
 * Cuts the path off `url`, and puts it into `baseUrl` and the whole into `originalUrl`. A request elsewhere keeps its
 * `url`: a proxy may have cut the path off already.
 */
export function mount(req: Mounted, path: string): void {
  const { url = '' } = req
  req.baseUrl = path
  req.originalUrl = url
  if (!url.startsWith(path)) return
  const rest = url.slice(path.length)
  if (rest === '' || rest.startsWith('?')) req.url = `/${rest}`
  else if (rest.startsWith('/')) req.url = rest
}

/** As the client sent it. */
export function targetOf(req: Readonly<Mounted>): string | undefined {
  return req.originalUrl ?? req.url
}
