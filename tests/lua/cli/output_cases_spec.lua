-- run: lua5.4
-- Random answers, in all formats, against the AWS CLI's own formatters and pages.
local jmespath = require "eni6.jmespath"
local json = require "eni6.jmespath.json"
local oracle = require "support.oracle"
local output = require "eni6.cli.output"
local output_pages = require "eni6.cli.output.pages"

local FORMATS = os.getenv "FORMATS" or "json text table yaml yaml-stream"
local COUNT, SEED = tonumber(os.getenv "COUNT") or 1500, tonumber(os.getenv "SEED") or 1

-- As an answer's shape does, the order of a page names also the lists that it does not have.
local function page_of(case, number, keys)
  local page = json.decode(case.pages[number])
  local order = getmetatable(page).order
  for _, key in ipairs(keys) do
    if page[key] == nil then order[#order + 1] = key end
  end
  return page
end

-- A client that answers with the case's pages.
local function client_of(case, paginator)
  local client = { service = { paginator = function() return paginator end } }
  function client.pages(_, _, params)
    local number = tonumber((params.NextToken or "t0"):match "^t(%d)$" or 0)
    if number >= #case.pages then number = 0 end
    return function()
      number = number + 1
      return case.pages[number] and page_of(case, number, paginator.result_keys)
    end
  end
  return client
end

local function paged(case, printer, paginator)
  local pages, message = output_pages.new(client_of(case, paginator), case.operation, {}, case.options)
  if not pages then return nil, message end
  while true do
    local page = pages:next()
    if not page then return printer:finish(pages.resume_token) end
    local ok, problem = printer:page(page)
    if not ok then return nil, problem end
  end
end

local function printed(case)
  local out = {}
  local keys = case.keys ~= jmespath.null and case.keys or nil
  local paginator = keys and { input_token = "NextToken", output_token = "NextToken", result_keys = keys }
  local printer = output.new(case.format, function(text) out[#out + 1] = text end, {
    operation = case.operation,
    query = case.query ~= jmespath.null and assert(jmespath.compile(case.query)) or nil,
    paginator = paginator,
    color = case.color,
  })
  local ok, message
  if keys then
    ok, message = paged(case, printer, paginator)
  else
    ok, message = printer:page(assert(json.decode(case.pages[1])))
    if ok then ok, message = printer:finish() end
  end
  return table.concat(out), not ok and message or nil
end

local function about(case, message)
  return string.format("--output %s --query %s of %s: %s", case.format, tostring(case.query), table.concat(case.pages, "\n"),
    tostring(case.error or message))
end

describe("what is printed", function()
  it("is what the AWS CLI's formatters print", function()
    local seen, failed = {}, 0
    for _, case in ipairs(oracle.cases("output_cases.py", COUNT, SEED)) do
      if (" " .. FORMATS .. " "):find(" " .. case.format .. " ", 1, true) then
        local text, message = printed(case)
        assert.equal(case.printed, text, about(case, message))
        assert.equal(case.error ~= nil, message ~= nil, about(case, message))
        seen[case.format] = (seen[case.format] or 0) + 1
        failed = failed + (message and 1 or 0)
      end
    end
    for format in FORMATS:gmatch "%S+" do assert.is_true(seen[format] > 100, format) end
    assert.is_true(failed > 5)
  end)
end)
