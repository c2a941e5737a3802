local fake = require "support.settings"
local json = require "dkjson"
local oracle = require "support.oracle"
local retries = require "eni6.aws.retries"

local function policy(more)
  more = more or {}
  more.random = more.random or function() return 0.5 end
  return retries.new(more)
end

local THROTTLED = { code = "RequestLimitExceeded", status = 503, answered = true, sent = true }

describe("a failure", function()
  local cases = {
    { "throttled", THROTTLED },
    { "throttled", { code = "EC2ThrottledException", status = 400, answered = true, sent = true } },
    { "throttled", { status = 429, answered = false, sent = true } },
    { "transient", { code = "RequestTimeout", status = 400, answered = true, sent = true } },
    { "refused", { code = "InvalidSubnetID.NotFound", status = 400, answered = true, sent = true } },
    { "refused", { status = 404, answered = false, sent = true } },
    { "refused", { status = 302, answered = false, sent = true } },
    { "lost", { code = "InternalError", status = 500, answered = true, sent = true } },
    { "lost", { code = "Unavailable", status = 503, answered = true, sent = true } },
    { "lost", { status = 502, answered = false, sent = true } },
    { "lost", { status = 200, answered = false, sent = true } },
    { "lost", { code = "ECONNRESET", sent = true } },
    { "lost", { code = "ETIMEDOUT", sent = true } },
    { "unsent", { code = "ETIMEDOUT", sent = false } },
    { "unsent", { code = "ECONNREFUSED", sent = false } },
    { "unsent", { code = "ETLS", sent = false } },
  }
  for _, case in ipairs(cases) do
    it(string.format("is %s: %s %s", case[1], case[2].code, case[2].status), function()
      assert.equal(case[1], retries.classify(case[2]))
    end)
  end
end)

describe("beside botocore", function()
  it("repeats a read wherever the standard mode does", function()
    local theirs = oracle.ask("retries.py", {})
    for _, code in ipairs(theirs.throttling) do
      assert.equal("throttled", retries.classify({ code = code, status = 400, answered = true, sent = true }))
    end
    for _, code in ipairs(theirs.transient) do
      assert.is_true(retries.retryable({ code = code, status = 400, answered = true, sent = true }, false))
    end
    for status = 400, 599 do
      local expected = status == 429
      for _, theirs_status in ipairs(theirs.statuses) do expected = expected or status == theirs_status end
      assert.equal(expected, retries.retryable({ code = "X", status = status, answered = true, sent = true }, true), status)
    end
  end)
end)

describe("beside botocore's standard mode", function()
  local OUTCOMES = {
    { "ok", "ok" }, { "ok", "ok" }, { "ok", "ok" },
    { "timeout", { code = "ETIMEDOUT", sent = true } },
    { "connection", { code = "ECONNREFUSED", sent = false } },
    { { code = "RequestLimitExceeded", status = 503 } }, { { code = "InternalError", status = 500 } },
    { { code = "Throttling", status = 400 } }, { { code = "RequestTimeout", status = 400 } },
    { { code = "UnauthorizedOperation", status = 403 } }, { { code = "Whatever", status = 501 } },
    { { code = "PriorRequestNotComplete", status = 400 } },
  }

  -- As the client goes about it.
  local function run(p, outcomes)
    local request, waits = { repeatable = true, attempt = 0 }, {}
    for _, outcome in ipairs(outcomes) do
      request.attempt = request.attempt + 1
      if outcome == "ok" then
        p:succeeded(request.cost)
        return waits
      end
      local seconds, _, cost = p:next_delay(outcome, request)
      request.cost = cost or request.cost
      waits[#waits + 1] = seconds or false
      if not seconds then return waits end
    end
    return waits
  end

  it("decides, waits and pays alike over streams of requests", function()
    math.randomseed(tonumber(os.getenv("SEED")) or 1)
    for _, bad in ipairs({ 4, #OUTCOMES }) do
      for _, max_attempts in ipairs({ 1, 3, 6 }) do
        local question = { max_attempts = max_attempts, random = {}, requests = {} }
        local streams = {}
        for i = 1, 97 do question.random[i] = math.random() end
        for i = 1, 500 do
          question.requests[i], streams[i] = {}, {}
          for j = 1, max_attempts do
            local pick = OUTCOMES[math.random(bad == 4 and 4 or 1, #OUTCOMES)]
            question.requests[i][j] = pick[1]
            streams[i][j] = pick[2] or { code = pick[1].code, status = pick[1].status, answered = true, sent = true }
          end
        end
        local at = 0
        local p = policy({ max_attempts = max_attempts, random = function()
          at = at % #question.random + 1
          return question.random[at]
        end })
        local theirs = oracle.ask("standard.py", question)
        for i, stream in ipairs(streams) do
          local ours = run(p, stream)
          assert.equal(#theirs.waits[i], #ours)
          for j, wait in ipairs(ours) do
            local their = theirs.waits[i][j]
            assert.equal(their ~= json.null, wait ~= false)
            assert.is_true(not wait or math.abs(wait - their) < 1e-9)
          end
        end
        assert.equal(theirs.capacity, p.tokens)
      end
    end
  end)
end)

describe("the next attempt", function()
  local function verdict(outcome, repeatable)
    local seconds, why = policy():next_delay(outcome, { attempt = 1, repeatable = repeatable })
    return seconds ~= nil, why
  end

  it("follows what surely did nothing, whatever the operation", function()
    assert.is_true(verdict(THROTTLED, false))
    assert.is_true(verdict({ code = "RequestTimeout", status = 400, answered = true, sent = true }, false))
    assert.is_true(verdict({ code = "ECONNREFUSED", sent = false }, false))
    assert.is_true(verdict({ code = "ETIMEDOUT", sent = false }, false))
  end)

  it("follows a lost answer only where the request may be repeated", function()
    local lost = {
      { code = "ECONNRESET", sent = true }, { status = 500, sent = true },
      { status = 200, code = "TruncatedResponse", sent = true },
    }
    for _, outcome in ipairs(lost) do
      assert.is_true(verdict(outcome, true))
      assert.is_false(verdict(outcome, false))
    end
  end)

  it("does not follow what time won't mend", function()
    assert.is_false(verdict({ code = "UnauthorizedOperation", status = 403, answered = true, sent = true }, true))
    assert.is_false(verdict({ code = "ETLS", sent = false }, true))
    assert.is_false(verdict({ code = "EMSGSIZE", sent = true }, true))
    assert.is_false(verdict({ status = 501, sent = true }, true))
    assert.is_false(verdict({ status = 200, code = "HTMLResponse", sent = true }, true))
  end)

  it("waits rand x 2^i, 20 s at most", function()
    local waits = {}
    local p = policy({ max_attempts = 9, random = function() return 0.999 end })
    for attempt = 1, 8 do waits[attempt] = p:next_delay(THROTTLED, { attempt = attempt, repeatable = true }) end
    for attempt, expected in ipairs({ 0.999, 1.998, 3.996, 7.992, 15.984, 20, 20, 20 }) do
      assert.is_true(math.abs(waits[attempt] - expected) < 1e-9, attempt)
    end
  end)

  it("waits as long as the service asks, within the same bound", function()
    local function wait(after)
      local outcome = { code = "Throttling", status = 400, answered = true, sent = true, retry_after = after }
      return (policy():next_delay(outcome, { attempt = 1, repeatable = true }))
    end
    assert.equal(7, wait(7))
    assert.equal(0.5, wait(0))
    assert.equal(20, wait(86400))
  end)

  it("ends with the attempts", function()
    local p = policy({ max_attempts = 2 })
    assert.is_number(p:next_delay(THROTTLED, { attempt = 1 }))
    assert.same({ nil, "attempts" }, { p:next_delay(THROTTLED, { attempt = 2 }) })
  end)

  it("ends with the bucket, which success fills", function()
    local p = policy({ max_attempts = 1000 })
    for _ = 1, 100 do assert.is_number(p:next_delay(THROTTLED, { attempt = 1 })) end
    assert.same({ nil, "quota" }, { p:next_delay(THROTTLED, { attempt = 1 }) })
    p:succeeded(5)
    assert.is_number(p:next_delay(THROTTLED, { attempt = 1 }))
    for _ = 1, 5 do p:succeeded() end
    assert.is_number(p:next_delay(THROTTLED, { attempt = 1 }))
    for _ = 1, 2000 do p:succeeded() end
    assert.equal(500, p.tokens)
  end)

  it("costs twice as much after a timeout", function()
    local p = policy({ max_attempts = 1000 })
    local _, _, cost = p:next_delay({ code = "ETIMEDOUT", sent = false }, { attempt = 1 })
    assert.same({ 10, 490 }, { cost, p.tokens })
  end)
end)

describe("the number of attempts", function()
  local function attempts(env, explicit, file)
    env.HOME = "/home/me"
    local settings = assert(fake.settings({ env = env, files = { ["/home/me/.aws/config"] = file } }))
    local found, message, code = retries.settle(settings, explicit)
    return found and found.max_attempts, message, code
  end

  it("comes from the call, the environment, the profile, the mode", function()
    local file = "[default]\nmax_attempts = 7\nretry_mode = legacy\n"
    assert.equal(3, attempts({}))
    assert.equal(7, attempts({}, nil, file))
    assert.equal(9, attempts({ AWS_MAX_ATTEMPTS = "9" }, nil, file))
    assert.equal(2, attempts({ AWS_MAX_ATTEMPTS = "9" }, 2, file))
    assert.equal(5, attempts({ AWS_RETRY_MODE = "legacy" }))
    assert.equal(3, attempts({ AWS_RETRY_MODE = "standard" }))
  end)

  it("is a whole number from 1", function()
    assert.equal(4, attempts({ AWS_MAX_ATTEMPTS = "many" }, 4))
    for _, wrong in ipairs({ "0", "-1", "2.5", "many", "1e3" }) do
      assert.same({ nil, "AWS_MAX_ATTEMPTS must be a whole number from 1", "InvalidConfig" },
        { attempts({ AWS_MAX_ATTEMPTS = wrong }) })
    end
  end)

  it("goes with the mode", function()
    local function adaptive(mode)
      return retries.settle(assert(fake.settings({ env = { HOME = "/home/me", AWS_RETRY_MODE = mode } }))).adaptive
    end
    assert.is_true(adaptive("adaptive"))
    assert.is_false(adaptive("standard"))
    local _, message, code = attempts({ AWS_RETRY_MODE = "eager" })
    assert.equal("InvalidConfig", code)
    assert.equal("AWS_RETRY_MODE must be standard, adaptive or legacy", message)
  end)
end)
