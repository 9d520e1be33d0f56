-- Posts what the environment says, and prints what was measured as JSON.
local bytes = tonumber(os.getenv('BENCH_POSTED_BYTES'))
if bytes > 0 then
  wrk.method = 'POST'
  wrk.body = string.rep('x', bytes)
end

function done(summary, latency)
  local errors = summary.errors
  local failed = errors.connect + errors.read + errors.write + errors.status + errors.timeout
  io.write(string.format(
    '\nJSON{"requests":%d,"seconds":%f,"failed":%d,"p50":%f,"p99":%f,"p999":%f}\n',
    summary.requests, summary.duration / 1e6, failed,
    latency:percentile(50) / 1e3, latency:percentile(99) / 1e3, latency:percentile(99.9) / 1e3
  ))
end
