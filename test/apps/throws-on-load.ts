interface Settings {
  readonly database: string | undefined
}

const settings: Settings = { database: process.env.NO_SUCH_VARIABLE }

if (settings.database === undefined) throw new Error('thrown on load')

export default () => new Response('never')
