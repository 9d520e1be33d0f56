/** Splits text into words as a shell does: at white space, with quotes and backslashes. */

export type SplitResult = { readonly words: readonly string[] } | { readonly unclosed: '"' | "'" | '\\' }

export function splitWords(text: string): SplitResult {
  const words: string[] = []
  // Undefined between words: '' is a word too, as in an empty pair of quotes.
  let word: string | undefined
  let quote: '"' | "'" | undefined
  for (let at = 0; at < text.length; at += 1) {
    const letter = text[at]!
    if (letter === quote) quote = undefined
    else if (quote === "'") word += letter
    else if (letter === '\\') {
      const next = text[at + 1]
      if (next === undefined) return { unclosed: '\\' }
      // In double quotes, a backslash only escapes characters that are special there.
      word = (word ?? '') + (quote === '"' && !'"\\$`'.includes(next) ? `\\${next}` : next)
      at += 1
    } else if (quote) word += letter
    else if (letter === '"' || letter === "'") {
      quote = letter
      word ??= ''
    } else if (/\s/.test(letter)) {
      if (word !== undefined) words.push(word)
      word = undefined
    } else word = (word ?? '') + letter
  }
  if (quote) return { unclosed: quote }
  if (word !== undefined) words.push(word)
  return { words }
}
