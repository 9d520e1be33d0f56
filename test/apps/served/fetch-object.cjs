exports.fetch = async request => new Response(`fetch-object ${process.pid} ${await request.text()}`)
