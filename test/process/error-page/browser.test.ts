/** The error page in a real browser: it shows the error, and reloads itself when the app is there. */
import { expect } from 'chai'
import type { Browser, Page } from 'playwright-core'
import { chromiumPath, openChromium } from '../../support/http/chromium.ts'
import { listening } from '../../support/requests.ts'
import { eventually, freePort, launch } from '../../support/tsicorn.ts'

const nasty = `</script><img src=x onerror="document.title='owned'">`
const broken = `\nthrow new Error(${JSON.stringify(nasty)})\n`
const page = (word: string) =>
  `export default (_req, res) => {
  res.setHeader('content-type', 'text/html; charset=utf-8')
  res.end('<!doctype html><title>${word}</title><link rel="icon" href="data:,"><h1>${word}</h1>')
}
`

describe(`the error page in a browser${chromiumPath === undefined ? ', which is not installed' : ''}`, () => {
  let browser: Browser | undefined

  before(async function () {
    if (chromiumPath === undefined) return this.skip()
    browser = await openChromium()
  })
  after(() => browser?.close())

  /** A tab, and the errors that its console has, without the status of the page itself. */
  async function openTab(): Promise<{ readonly tab: Page; readonly errors: string[] }> {
    const tab = await (browser as Browser).newPage()
    const errors: string[] = []
    tab.on('pageerror', error => errors.push(error.message))
    tab.on('console', message => {
      const isStatus = message.location().url === tab.url() && message.text().includes('status of 503')
      if (message.type() === 'error' && !isStatus) errors.push(`${message.text()} ${message.location().url}`)
    })
    return { tab, errors }
  }

  const args = ['--reload', './app.mjs']

  /** A server whose app does not load, and a tab that shows why. */
  async function openBroken(text: string, path = '/') {
    const bind = `127.0.0.1:${await freePort()}`
    const server = launch({ args: ['-b', bind, ...args], files: { 'app.mjs': text }, errors: true })
    await server.says(/Waiting for a change[\s\S]*Booting worker 2/)
    const { tab, errors } = await openTab()
    // Not by the tab: where a second try differs from the first only in what follows `#`, it loads nothing.
    await listening(`http://${bind}`)
    await tab.goto(`http://${bind}${path}`)
    return { server, bind, tab, errors }
  }

  it('shows the error, and reloads itself after the mend, as often as it takes', async () => {
    const { server, bind, tab, errors } = await openBroken(broken, '/way?a=b#c')
    expect(await tab.textContent('h1')).to.equal(`Error: ${nasty}`)
    expect(await tab.textContent('.where')).to.equal('app.mjs:2:7')
    expect(await tab.textContent('mark')).to.include('throw new Error("</script><img src=x')
    expect(await tab.locator('img').count()).to.equal(0)
    await tab.getByText('this page reloads itself').waitFor()

    server.write('app.mjs', broken.replace('throw', '// Not yet.\nthrow'))
    await tab.getByText('app.mjs:3:7', { exact: true }).waitFor()
    server.write('app.mjs', page('mended'))
    await tab.getByRole('heading', { name: 'mended' }).waitFor()
    expect(tab.url()).to.equal(`http://${bind}/way?a=b#c`)
    expect(errors).to.deep.equal([])
    await tab.close()
  })

  it('reloads itself when the server was restarted meanwhile', async () => {
    const bind = `127.0.0.1:${await freePort()}`
    const server = launch({ args: ['-b', bind, ...args], files: { 'app.mjs': page('old') }, errors: true })
    await server.running()
    await eventually('it watches', () => server.log.includes('Watching: '))
    const { tab } = await openTab()
    await tab.goto(`http://${bind}/`)
    server.write('app.mjs', broken)
    await server.says(/Reload 1 failed/)
    await eventually('the error is shown', async () => {
      await tab.reload()
      return (await tab.locator('.where').count()) === 1
    })
    await tab.getByText('this page reloads itself').waitFor()
    await server.stop()
    await tab.getByText('The server is away').waitFor()
    launch({ args: ['-b', bind, './app.mjs'], files: { 'app.mjs': page('restarted') } })
    await tab.getByRole('heading', { name: 'restarted' }).waitFor()
    await tab.close()
  })

  it('leaves the server alone while the tab is hidden, and reloads itself when it is looked at', async () => {
    const { server, tab, errors } = await openBroken(broken)
    await tab.getByText('this page reloads itself').waitFor()
    const hide = (hidden: boolean) =>
      tab.evaluate(`
        Object.defineProperty(document, 'hidden', { value: ${hidden}, configurable: true })
        document.dispatchEvent(new Event('visibilitychange'))
      `)
    await hide(true)
    const asked: string[] = []
    tab.on('request', request => asked.push(request.url()))
    server.write('app.mjs', page('mended'))
    await server.running()
    await server.says(/exited with code 0: replaced/)
    expect(asked).to.deep.equal([])
    await hide(false)
    await tab.getByRole('heading', { name: 'mended' }).waitFor()
    expect(errors).to.deep.equal([])
    await tab.close()
  })

  it('fits into a narrow window, and into a dark one', async () => {
    const { tab } = await openBroken(broken.replace('onerror', 'x'.repeat(3_000)))
    await tab.setViewportSize({ width: 360, height: 640 })
    const width = () => tab.evaluate('document.documentElement.scrollWidth')
    const color = () => tab.evaluate('getComputedStyle(document.body).backgroundColor')
    expect(await width()).to.equal(360)
    const light = await color()
    await tab.emulateMedia({ colorScheme: 'dark' })
    expect(await color()).not.to.equal(light)
    await tab.close()
  })
})
