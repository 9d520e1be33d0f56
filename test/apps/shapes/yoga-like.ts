/** Callable and with a fetch method; its count of parameters says that it takes a Request. */
const fetch = () => new Response('yoga')

export const server = Object.assign((..._args: unknown[]) => fetch(), { fetch })
