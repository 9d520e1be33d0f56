import cluster from 'node:cluster'
import { createServer } from 'node:http'

if (cluster.isPrimary) cluster.fork()
else createServer((_req, res) => res.end('clustered')).listen(process.env.PORT)
