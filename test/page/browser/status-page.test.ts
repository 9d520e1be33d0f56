/** The status page in a real Chromium. */
import { expect } from 'chai'
import type { Browser, BrowserContextOptions, Page } from 'playwright-core'
import { answer, worker } from '../../control/top/answers.ts'
import { chromiumPath, openChromium } from '../../support/http/chromium.ts'
import { launchWatched, token, type Watched } from '../../support/http/status-page.ts'
import { control } from '../../support/tsicornc.ts'
import { faintTexts, fakeFeed, recordShifts, recordStates } from './in-page.ts'

/** As high as the whole page: what is out of sight moves nothing. */
const phone = { width: 360, height: 2_900 }
const desktop = { width: 1_280, height: 1_400 }

describe(`the status page in Chromium${chromiumPath === undefined ? ', which is not installed' : ''}`, () => {
  let browser: Browser

  before(async function () {
    if (chromiumPath === undefined) return this.skip()
    browser = await openChromium()
  })
  after(async () => await browser?.close())

  /** Opens the page, and waits for what it shows first. */
  async function open(
    { address }: Watched,
    options: BrowserContextOptions = {},
  ): Promise<{ readonly page: Page; readonly complaints: string[] }> {
    const page = await browser.newPage(options)
    const complaints: string[] = []
    page.on('console', message => {
      if (['error', 'warning'].includes(message.type())) complaints.push(message.text())
    })
    page.on('pageerror', error => complaints.push(String(error)))
    await page.addInitScript(recordShifts)
    await page.goto(address)
    await page.getByText('Live', { exact: true }).waitFor()
    return { page, complaints }
  }

  it('shows load and a reload, and nothing moves, on a phone neither', async () => {
    const watched = await launchWatched(['-w', '2'])
    const { page, complaints } = await open(watched, { viewport: phone })
    const { page: wide, complaints: others } = await open(watched, { viewport: desktop })
    const url = watched.server.url
    const load = setInterval(() => void fetch(url).then(async answer => await answer.text()), 50)
    await page
      .locator('#tiles div', { hasText: 'Requests/s' })
      .getByText(/^[1-9]/)
      .waitFor()
    await page
      .locator('#tiles div', { hasText: 'p99' })
      .getByText(/^≤ \d+ ms/)
      .waitFor()
    expect((await control(watched.server, 'reload')).code).to.equal(0)
    await page
      .getByText(/^Reload 1: generation 2 serves/)
      .first()
      .waitFor()
    await page.locator('.legend', { hasText: /generation 2 2 ?generation 1 0/ }).waitFor()
    clearInterval(load)
    expect(await page.locator('#worker-rows tr').count()).to.equal(2)
    expect(await page.locator('canvas').count()).to.equal(6)
    expect(await page.evaluate(() => document.documentElement.scrollWidth)).to.equal(phone.width)
    for (const each of [page, wide]) expect(await each.evaluate(() => globalThis.shifts)).to.deep.equal([])
    expect([...complaints, ...others]).to.deep.equal([])
    await page.close()
    await wide.close()
  })

  it('reloads and scales with keys alone, for those who have the token', async () => {
    const watched = await launchWatched()
    const { page } = await open(watched)
    await page.getByRole('button', { name: 'Reload', disabled: false }).first().waitFor()
    await page.keyboard.press('r')
    await page.keyboard.type('wrong')
    await page.keyboard.press('Enter')
    await page.getByText('The token is wrong').waitFor()
    await page.keyboard.type(token)
    await page.keyboard.press('Enter')
    await page
      .getByText(/^Reload 1: generation 2 serves/)
      .first()
      .waitFor()
    await page.keyboard.press('s')
    await page.keyboard.press('Control+A')
    await page.keyboard.type('3')
    await page.keyboard.press('Enter')
    await page.locator('#tiles div', { hasText: 'Workers' }).getByText('3 / 3').waitFor()
    await page.locator('#worker-rows tr').nth(2).waitFor()
    expect(page.url()).not.to.include(token)
    await page.close()
  })

  it('says which worker keeps ending', async () => {
    const app = `import { existsSync } from 'node:fs'
      if (existsSync('broken')) process.exit(7)
      export default (req, res) => res.end()`
    const watched = await launchWatched([], { app, errors: true })
    const { page, complaints } = await open(watched)
    watched.server.write('broken', '')
    process.kill(watched.server.workers[0] as number, 'SIGKILL')
    await page.getByText(/^Workers keep ending: \d+ in the last minute/).waitFor()
    await page.locator('#events [data-tone=bad]', { hasText: 'code 3' }).first().waitFor()
    expect(complaints).to.deep.equal([])
    await page.close()
  })

  it('says that the server is away, and goes on with the new arbiter of an upgrade', async () => {
    const watched = await launchWatched()
    const { page } = await open(watched)
    const facts = page.locator('#facts')
    await facts.getByText(`pid ${watched.server.pid} `).waitFor()
    await page.evaluate(recordStates)
    expect((await control(watched.server, 'upgrade', '--bake', '0')).code).to.equal(0)
    const [, pid] = await watched.server.says(/The new arbiter serves beside this one \(pid (\d+)\)/)
    await facts.getByText(`pid ${pid} `).waitFor()
    await page.getByText('Live', { exact: true }).waitFor()
    const states = await page.evaluate(() => globalThis.states)
    expect(states[0]).to.match(/^The server is away since \d\d:\d\d:\d\d: trying again$/)
    expect(states.at(-1)).to.equal('Live')
    await page.close()
  })

  it('says that it is to be loaded again where the server has another version', async () => {
    const watched = await launchWatched()
    const page = await browser.newPage()
    const told = ['1.0.0', '1.0.1'].map(version => ({
      ...{ answer: answer(1, [worker(1, 1)], { version }), events: [], has_token: false },
    }))
    const texts = told.map(message => JSON.stringify(message))
    await page.addInitScript(fakeFeed, texts)
    await page.goto(watched.address)
    await page.getByText('Live, now tsicorn 1.0.1: load this page again').waitFor()
    await page.close()
  })

  it('has a pause, and arrow keys that go through a chart', async () => {
    const watched = await launchWatched()
    const { page } = await open(watched)
    const uptime = page.locator('#facts')
    await page.locator('#worker-rows tr').first().waitFor()
    await page.keyboard.press('p')
    await page.getByText('Paused', { exact: true }).waitFor()
    const before = await uptime.textContent()
    await page.locator('.plot').first().focus()
    await page.keyboard.press('ArrowLeft')
    await page
      .locator('.moment', { hasText: /^\d\d:\d\d:\d\d$/ })
      .first()
      .waitFor()
    expect(await uptime.textContent()).to.equal(before)
    await page.keyboard.press('p')
    await page.getByText('Live', { exact: true }).waitFor()
    await page.close()
  })

  it('only shows where there is no token, and can be read in both schemes', async () => {
    const watched = await launchWatched([], { hasToken: false })
    for (const colorScheme of ['light', 'dark'] as const) {
      const { page, complaints } = await open(watched, { colorScheme, reducedMotion: 'reduce' })
      await page.locator('#worker-rows tr').first().waitFor()
      await page.getByText(/^This page is read-only/).waitFor()
      for (const name of ['Reload', 'Scale'])
        expect(await page.locator('header').getByRole('button', { name }).isDisabled()).to.equal(true)
      expect(await page.evaluate(faintTexts), colorScheme).to.deep.equal([])
      expect(await page.evaluate(() => document.getAnimations().length)).to.equal(0)
      expect(complaints).to.deep.equal([])
      await page.close()
    }
  })
})
