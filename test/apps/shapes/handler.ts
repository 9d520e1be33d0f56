/** As SvelteKit and Astro export it; the latter with rest parameters. */
type Res = { end(text: string): void }

export const handler = (...args: [unknown, Res]) => args[1].end('handler')

export const options = {}
