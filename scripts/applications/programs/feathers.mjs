import { feathers } from '@feathersjs/feathers'
import { bodyParser, errorHandler, koa, rest } from '@feathersjs/koa'

class MessageService {
  async find() {
    return [{ text: 'Hello World!' }]
  }
}

const app = koa(feathers())
app.use(errorHandler())
app.use(bodyParser())
app.configure(rest())
app.use('/', new MessageService())
app.listen(process.env.PORT).then(() => console.log('Feathers server listening'))
