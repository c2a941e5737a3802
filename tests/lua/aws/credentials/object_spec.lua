local object = require "eni6.aws.credentials.object"
local tasks = require "eni6.tasks"

describe("keys that renew themselves", function()
  local now, fetched, warnings, life, failure, last_refused

  local function fetch(refused)
    fetched, last_refused = fetched + 1, refused
    if failure then return nil, failure, "EFAIL" end
    return { access_key_id = "AKID" .. fetched, secret_access_key = "secret-" .. fetched, expires = now + life }
  end

  local function new(more)
    local options = { fetch = fetch, time = function() return now end, warn = function(text) warnings[#warnings + 1] = text end,
      random = function() return 0.5 end }
    for name, value in pairs(more or {}) do options[name] = value end
    return assert(object.fetched("a test", options))
  end

  local function id(credentials) return assert(credentials:get()).access_key_id end

  before_each(function() now, fetched, warnings, life, failure = 1700000000, 0, {}, 3600, nil end)

  it("are the same until 15 minutes before their end", function()
    local one = new()
    local keys = one:get()
    now = now + 3600 - 901
    assert.equal(keys, one:get())
    now = now + 2
    assert.equal("AKID2", id(one))
    assert.equal(now + 3600, one:expires())
  end)

  it("are used on where an early renewal fails, which is tried again in a minute; from 10 minutes on that is an error", function()
    local one = new()
    failure, now = "no network", now + 3600 - 800
    assert.equal("AKID1", id(one))
    assert.equal("AKID1", id(one))
    assert.equal(2, fetched)
    assert.matches("a test could not be renewed yet: no network", warnings[1])
    now = now + 61
    assert.equal("AKID1", id(one))
    assert.equal(3, fetched)
    now = now + 200
    assert.same({ nil, "no network", "EFAIL" }, { one:get() })
    failure = nil
    assert.equal("AKID5", id(one))
  end)

  it("of a short life are not renewed for every request", function()
    life = 300
    local one = new()
    now = now + 149
    assert.equal("AKID1", id(one))
    now = now + 2
    assert.equal("AKID2", id(one))
    assert.equal(2, fetched)
  end)

  -- Credentials whose nth fetch takes a while.
  local function slow(nth, seconds)
    return new { fetch = function()
      if fetched + 1 == nth then
        nth = nil
        tasks.sleep(seconds)
      end
      return fetch()
    end }
  end

  it("are renewed once for many tasks", function()
    local one, seen = slow(2, 0.02), {}
    now = now + 3590
    assert(tasks.group(function(group)
      for i = 1, 50 do group:spawn("t" .. i, function() seen[i] = id(one) end) end
    end))
    assert.equal(2, fetched)
    for i = 1, 50 do assert.equal("AKID2", seen[i]) end
  end)

  it("are handed out during an early renewal, which one task makes", function()
    local one, seen = slow(2, 0.02), {}
    now = now + 3600 - 800
    assert(tasks.group(function(group)
      for i = 1, 3 do group:spawn("t" .. i, function() seen[i] = id(one) end) end
    end))
    table.sort(seen)
    assert.same({ "AKID1", "AKID1", "AKID2" }, seen)
  end)

  it("are renewed by another task where the one that does it is cancelled", function()
    local one, seen = slow(2, 10), nil
    now = now + 3590
    assert(tasks.group(function(group)
      group:spawn("cancelled", function()
        tasks.group(function() one:get() end, { deadline = 0.03 })
        return true
      end)
      group:spawn("other", function()
        tasks.sleep(0.01)
        seen = id(one)
      end)
    end))
    assert.equal("AKID2", seen)
  end)

  it("are renewed after the service has refused them, and only those", function()
    local one = new()
    local first = one:get()
    assert.is_false(last_refused)
    assert.is_true(one:invalidate(first))
    assert.equal("AKID2", id(one))
    assert.is_true(last_refused)
    assert.is_true(one:invalidate(first))
    assert.equal("AKID2", id(one))
    now = now + 3000
    assert.equal("AKID3", id(one))
    assert.is_false(last_refused)
    assert.is_true(one:refresh())
    assert.equal("AKID4", id(one))
    assert.is_true(last_refused)
    local fixed = assert(object.new({ access_key_id = "A", secret_access_key = "b" }, "a test"))
    assert.is_false(fixed:invalidate())
    assert.equal("NotRefreshable", select(3, fixed:refresh()))
  end)

  it("hide their secrets, also the last ones, in texts", function()
    local one = new()
    assert(one:refresh())
    assert.equal("(hidden) (hidden)", one:hide "secret-1 secret-2")
  end)

  it("that come expired are an error", function()
    life = -1
    local one, message, code = object.fetched("a test", { fetch = fetch, time = function() return now end })
    assert.is_nil(one)
    assert.matches("have expired", message)
    assert.equal("ExpiredCredentials", code)
  end)

  it("of the metadata service are used on when they come expired, and asked for again minutes later", function()
    life = -1
    local one = new { tolerant = true }
    assert.equal("AKID1", id(one))
    assert.equal("AKID1", id(one))
    assert.equal(1, fetched)
    assert.matches("used on", warnings[1])
    now = now + 451
    failure = "nobody answers"
    assert.equal("AKID1", id(one))
    assert.matches("nobody answers", warnings[2])
    now, failure, life = now + 451, nil, 3600
    assert.equal("AKID3", id(one))
    now, failure = now + 3599, "gone"
    assert.equal("AKID3", id(one))
  end)

  it("that are the same again are the same table", function()
    local expires = now + 3600
    local one = assert(object.fetched("a test", { time = function() return now end, fetch = function()
      return { access_key_id = "A", secret_access_key = "b", expires = expires }
    end }))
    local keys = one:get()
    assert.is_true(one:refresh())
    assert.equal(keys, one:get())
  end)
end)
