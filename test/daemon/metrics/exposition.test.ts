/** Metrics as text. */
import { expect } from 'chai'
import { exposition, type Family, formatFor } from '../../../daemon/metrics/exposition.ts'
import { atOnce } from '../../../daemon/system/steps.ts'

const families: readonly Family[] = [
  {
    type: 'counter',
    name: 'app_requests',
    help: 'All\nrequests',
    samples: [{ labels: { path: 'a"b\\c\nd' }, value: 2 }],
  },
  { type: 'info', name: 'app_build', help: 'The version', samples: [{ labels: { version: '1' }, value: 1 }] },
  {
    type: 'histogram',
    name: 'app_duration_seconds',
    help: 'Durations',
    histogram: { buckets: [[0.5, 1]], count: 3, sum: 4.5 },
  },
]

describe('metrics', () => {
  it('are text of Prometheus', () => {
    expect(`${atOnce(exposition(families, 'prometheus'))}`.split('\n')).to.deep.equal([
      '# HELP app_requests_total All\\nrequests',
      '# TYPE app_requests_total counter',
      'app_requests_total{path="a\\"b\\\\c\\nd"} 2',
      '# HELP app_build_info The version',
      '# TYPE app_build_info gauge',
      'app_build_info{version="1"} 1',
      '# HELP app_duration_seconds Durations',
      '# TYPE app_duration_seconds histogram',
      'app_duration_seconds_bucket{le="0.5"} 1',
      'app_duration_seconds_bucket{le="+Inf"} 3',
      'app_duration_seconds_sum 4.5',
      'app_duration_seconds_count 3',
      '',
    ])
  })

  it('are OpenMetrics, for those who accept it', () => {
    const text = `${atOnce(exposition(families, 'openmetrics'))}`
    expect(text).to.match(
      /^# HELP app_requests All\\nrequests\n# TYPE app_requests counter\napp_requests_total/,
    )
    expect(text).to.match(/^# TYPE app_build info\napp_build_info/m)
    expect(text).to.match(/\n# EOF\n$/)
    expect(formatFor('application/openmetrics-text;version=1.0.0,text/plain;q=0.5')).to.equal('openmetrics')
    expect(formatFor('text/plain')).to.equal('prometheus')
    expect(formatFor(undefined)).to.equal('prometheus')
  })
})
