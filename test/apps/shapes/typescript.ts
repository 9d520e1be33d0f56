/** What Node cannot strip: an enum, a parameter property, a decorator, and JavaScript's extension for a TypeScript file. */
import { greeting } from './greeting.js'

enum Colour {
  Red = 'red',
}

const shout = (text: string) => text.toUpperCase()

function decorate(_target: unknown, context: ClassMethodDecoratorContext) {
  decorated.push(String(context.name))
}

const decorated: string[] = []

class App {
  constructor(private readonly colour: Colour) {}

  @decorate
  answer(_req: unknown, res: { end(text: string): void }) {
    res.end(`${greeting} ${shout(this.colour)} ${decorated}`)
  }
}

const app = new App(Colour.Red)

export default (req: unknown, res: { end(text: string): void }) => app.answer(req, res)
