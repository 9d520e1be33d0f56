export default () => new Response('fetch without parameter')
