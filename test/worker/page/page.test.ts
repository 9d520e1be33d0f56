/** The error page: it lets nothing of what it shows become markup, script or style, and knows who wants a page. */
import { createHash } from 'node:crypto'
import { expect } from 'chai'
import { acceptsHtml } from '../../../worker/page/accept.ts'
import { contentSecurityPolicy, htmlOf } from '../../../worker/page/html.ts'
import type { Report } from '../../../worker/page/report.ts'
import { textOf } from '../../../worker/page/text.ts'

const nasty = `</script></pre><img src=x onerror="alert('1')">&amp;<!--`

const report: Report = {
  heading: nasty,
  app: nasty,
  message: `${nasty}\n${nasty}`,
  where: nasty,
  excerpt: [
    { number: 9, text: nasty },
    { number: 10, text: `\t${nasty}`, mark: { column: 3 } },
  ],
  stack: [
    { text: nasty, isForeign: false },
    { text: nasty, isForeign: true },
  ],
}

describe('the error page', () => {
  it('escapes whatever it shows', () => {
    const plain: Report = JSON.parse(
      JSON.stringify(report).replaceAll(JSON.stringify(nasty).slice(1, -1), 'fine'),
    )
    const tags = (html: string) => html.match(/<[^>]*>/g)
    expect(tags(htmlOf(report, nasty))).to.deep.equal(tags(htmlOf(plain, nasty)))
    expect(htmlOf(report, 'id')).to.include(
      '&lt;img src=x onerror=&quot;alert(&#39;1&#39;)&quot;&gt;&amp;amp;',
    )
  })

  it('has one script and one style, which its policy names by their hashes, and nothing of others', () => {
    const html = htmlOf(report, 'id')
    const found = Array.from(html.matchAll(/<(script|style)>([\s\S]*?)<\/\1>/g))
    expect(found.map(([, tag]) => tag)).to.deep.equal(['style', 'script'])
    for (const [, tag, text] of found) {
      const hash = createHash('sha256')
        .update(text as string)
        .digest('base64')
      expect(contentSecurityPolicy).to.include(`${tag}-src 'sha256-${hash}'`)
    }
    expect(html).not.to.match(/https?:|\/\/\w|url\(| style=| on\w+=(?!&)/)
    expect(contentSecurityPolicy).to.match(/^default-src 'none';/)
  })

  it('says the same as text, with a mark below the column', () => {
    expect(
      textOf({ ...report, heading: 'Cannot start', message: 'Error: no', where: 'app.ts:10:3' }),
    ).to.equal(
      [
        'Cannot start\n',
        'Error: no\n',
        'app.ts:10:3\n',
        `   9 | ${nasty}`,
        `> 10 | \t${nasty}`,
        `     | \t ^\n`,
        `    ${nasty}`,
        `    ${nasty}\n`,
        'The server waits for a change.\n',
      ].join('\n'),
    )
  })

  const browsers = [
    'text/html,application/xhtml+xml,application/xml;q=0.9,image/avif,image/webp,image/apng,*/*;q=0.8,application/signed-exchange;v=b3;q=0.7',
    'text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8',
    'TEXT/HTML',
    'application/json;q=0.5, text/html;level=1;q=0.7',
  ]
  for (const accept of browsers)
    it(`is for who accepts ${accept}`, () => expect(acceptsHtml(accept)).to.equal(true))

  const others = [
    undefined,
    '',
    '*/*',
    'text/*',
    'application/json',
    'application/json, text/plain, */*',
    'text/html;q=0',
    'text/html;q=0.000, */*',
    'application/json, text/html;q=0.9',
    'text/html;q=x',
    'text/htmlx',
  ]
  for (const accept of others)
    it(`is not for who accepts ${accept}`, () => expect(acceptsHtml(accept)).to.equal(false))
})
