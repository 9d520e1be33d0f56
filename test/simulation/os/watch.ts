/** `daemon/generation/watch.ts` of a simulated machine: no file changes but by HUP. */
export async function watchSources(): Promise<{ close(): Promise<void> }> {
  return { close: async () => undefined }
}
