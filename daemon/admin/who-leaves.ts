/** Where too many clients are connected, one of them leaves. */
export interface Client {
  readonly destroyed: boolean
}

/**
 * The one that has asked for nothing for longest; where all wait for their answers, the one that has had most time to
 * read its own. Never the newest, which comes last: it may be a health check, and has had no time to ask.
 */
export function whoLeaves<Some extends Client>(
  oldestFirst: Iterable<Some>,
  isAsking: (client: Some) => boolean,
): Some | undefined {
  const others = [...oldestFirst].slice(0, -1).filter(({ destroyed }) => !destroyed)
  return others.find(client => !isAsking(client)) ?? others[0]
}
