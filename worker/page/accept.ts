/** Whether a client wants HTML. */

/**
 * True if `Accept` names HTML, and nothing else that it names is preferred; programs that take anything get plain text
 * (RFC 9110, section 12.5.1).
 */
export function acceptsHtml(accept: string | undefined): boolean {
  const ranges = (accept ?? '').split(',').map(rangeOf)
  const weight = Math.max(0, ...ranges.filter(({ type }) => isHtml(type)).map(({ q }) => q))
  const others = ranges.filter(({ type }) => type !== '*/*' && !isHtml(type)).map(({ q }) => q)
  return weight > 0 && weight >= Math.max(0, ...others)
}

function isHtml(type: string): boolean {
  return type === 'text/html' || type === 'application/xhtml+xml'
}

function rangeOf(text: string): { readonly type: string; readonly q: number } {
  const [type = '', ...parameters] = text.split(';').map(part => part.trim().toLowerCase())
  const weight = parameters.find(parameter => parameter.startsWith('q='))?.slice(2)
  const q = weight === undefined ? 1 : Number(weight)
  return { type, q: q >= 0 && q <= 1 ? q : 0 }
}
