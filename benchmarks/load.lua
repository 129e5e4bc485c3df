-- Sends GET requests for the paths of a file, one after the other, on a schedule: wrk's script for
-- benchmarks.api_load. Arguments: the file, requests a second.
--
-- A connection that has its answer takes the next free moment of the schedule, which the whole
-- thread shares. So requests go out at their moments however long answers take, as long as any
-- connection is free; by how much the latest one missed its moment is told at the end.

local ffi = require("ffi")
ffi.cdef [[
    typedef struct { long seconds; long nanoseconds; } load_moment;
    int clock_gettime(int clock, load_moment *moment);
]]

local MONOTONIC = 1
local moment = ffi.new("load_moment")
local threads = {}

local function milliseconds()
    ffi.C.clock_gettime(MONOTONIC, moment)
    return tonumber(moment.seconds) * 1e3 + tonumber(moment.nanoseconds) / 1e6
end

function setup(thread)
    table.insert(threads, thread)
end

function init(arguments)
    paths, given, taken, sent, latest = {}, tonumber(arguments[2]), 0, 0, 0
    for path in io.lines(arguments[1]) do
        table.insert(paths, path)
    end
end

function delay()
    local now = milliseconds()
    started = started or now
    local due = started + taken * 1e3 / given
    taken = taken + 1
    latest = math.max(latest, now - due)
    return math.max(0, math.ceil(due - now))
end

function request()
    sent = sent + 1
    return wrk.format("GET", paths[(sent - 1) % #paths + 1])
end

function done(summary, latency)
    local sent, latest = 0, 0
    for _, thread in ipairs(threads) do
        sent = sent + thread:get("sent")
        latest = math.max(latest, thread:get("latest"))
    end
    local errors = summary.errors
    print(string.format(
        'load: {"seconds": %.3f, "sent": %d, "answered": %d, "refused": %d, "broken": %d, '
            .. '"latest_ms": %.1f, "p50_ms": %.2f, "p90_ms": %.2f, "p99_ms": %.2f, "most_ms": %.2f}',
        summary.duration / 1e6, sent, summary.requests, errors.status,
        errors.connect + errors.read + errors.write + errors.timeout, latest,
        latency:percentile(50) / 1e3, latency:percentile(90) / 1e3, latency:percentile(99) / 1e3,
        latency.max / 1e3
    ))
end
