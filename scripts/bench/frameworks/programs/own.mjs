/** Has an app listen with its framework's own server: `node own.mjs ./express.mjs`. */
const { listen } = await import(process.argv[2])
const server = await listen({ port: 0, host: '127.0.0.1' })
const said = () => console.log(`Listening at: http://127.0.0.1:${server.address().port}`)
if (server.listening) said()
else server.once('listening', said)
