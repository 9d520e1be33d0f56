/** The dashboard asks for metrics that exist. */
import { readFileSync } from 'node:fs'
import { expect } from 'chai'
import { metricsPage } from '../../scripts/generate/metrics-page.ts'

const dashboard = readFileSync(new URL('../../deploy/grafana/tsicorn.json', import.meta.url), 'utf8')

describe('the dashboard for Grafana', () => {
  it('asks only for metrics that the server has', () => {
    const { panels } = JSON.parse(dashboard) as {
      panels: readonly { targets: readonly { expr: string }[] }[]
    }
    const asked = panels.flatMap(({ targets }) => targets.flatMap(({ expr }) => namesIn(expr)))
    const known = Array.from(metricsPage().matchAll(/^\| `([a-z_]+)` \|/gm), ([, name]) => name as string)
    expect(asked.length).to.be.above(10)
    expect(
      asked.map(name => name.replace(/_bucket$/, '')).filter(name => !known.includes(name)),
    ).to.deep.equal([])
  })
})

function namesIn(expression: string): string[] {
  return expression.match(/\b(?:tsicorn|http_server|process)_[a-z_]+(?=\{)/g) ?? []
}
