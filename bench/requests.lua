-- For wrk: sends the requests of a file in turns, one a line, as "METHOD path" or "METHOD path body", and prints what bench/raw.c prints.
-- wrk -s bench/requests.lua URL -- FILE
local requests = {}
local sent = 0

function init(arguments)
  for line in io.lines(arguments[1]) do
    local method, path, body = line:match("^(%S+) (%S+) ?(.*)$")
    local headers = {}
    if body == "" then body = nil else headers["Content-Type"] = "application/json" end
    requests[#requests + 1] = wrk.format(method, path, headers, body)
  end
end

function request()
  sent = sent + 1
  return requests[(sent - 1) % #requests + 1]
end

function done(summary, latency)
  local errors = summary.errors
  local failed = errors.connect + errors.read + errors.write + errors.status + errors.timeout
  if failed > 0 then
    print(failed .. " of " .. summary.requests .. " requests failed")
  else
    -- wrk counts in microseconds.
    print(string.format(
      "rate %.1f p50 %.4f p99 %.4f", summary.requests / summary.duration * 1e6, latency:percentile(50) / 1e3, latency:percentile(99) / 1e3))
  end
end
