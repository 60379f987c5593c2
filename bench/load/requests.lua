-- wrk sends the lines of a file, one after the other from a place of each
-- thread's own: method, path, body, separated by tabs.
local lines, at, step, run = {}, 0, 0, ""
local threads = 0

function setup(thread)
  thread:set("number", threads)
  threads = threads + 1
end

function init(args)
  for line in io.lines(args[1]) do
    local method, path, body = line:match("^(%S+)\t(%S+)\t(.*)$")
    lines[#lines + 1] = { method, path, body }
  end
  at = number * 7919
  run = args[3]
  wrk.headers["authorization"] = "Bearer " .. args[2]
  wrk.headers["content-type"] = "application/json"
end

function request()
  at = at + 1
  step = step + 1
  local line = lines[at % #lines + 1]
  local body = line[3] ~= "" and (line[3]:gsub("$UNIQUE", function()
    return run .. "-" .. number .. "-" .. step
  end)) or nil
  return wrk.format(line[1], line[2], nil, body)
end

function done(summary, latency, requests)
  io.write(string.format(
    "RESULT %d %d %d %d %d\n",
    summary.requests, summary.duration, latency:percentile(50), latency:percentile(99),
    summary.errors.status + summary.errors.connect + summary.errors.read + summary.errors.write + summary.errors.timeout
  ))
end
