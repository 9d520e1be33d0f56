/** The files that a page shows, for tests. */

/** Code blocks by the file name that the sentence before them gives. */
export function filesIn(text: string): Record<string, string> {
  const blocks = text.matchAll(
    /`([\w.]+\.(?:m?[jt]s|py))`(?:(?!```)[\s\S])*?\n```(?:[jt]s|python)\n([\s\S]*?)```/g,
  )
  return Object.fromEntries(Array.from(blocks, ([, name, code]) => [name as string, code as string]))
}
