--- Paging as the AWS CLI does it: --max-items cuts the last page short and gives a token to go on from, in the
--- CLI's own form: base64 of {"NextToken": …, "boto_truncate_amount": items of that page already seen}.

local base64 = require "eni6.base64"
local json = require "eni6.jmespath.json"
local values = require "eni6.jmespath.values"

local pages = {}

local Pages = {}
Pages.__index = Pages

local function encode(name, token, seen)
  local amount = seen and string.format(', "boto_truncate_amount": %d', seen) or ""
  return base64.encode(string.format('{"%s": %s%s}', name, values.encode(token), amount))
end

-- The CLI's first form: the service's token, or "None", and the number after three underscores.
local function decode_old(text)
  local from, to = text:find("___", 1, true)
  if from and text:find("___", to + 1, true) then return nil end
  local seen = from and text:match("^%s*([+-]?%d+)%s*$", to + 1)
  local token = seen and text:sub(1, from - 1) or text
  return token ~= "None" and token or nil, math.tointeger(tonumber(seen or 0))
end

local function decode(name, text)
  local bytes = base64.decode(text)
  local record = bytes and json.decode(bytes)
  if values.kind(record) ~= "object" then return decode_old(text) end
  local seen = math.tointeger(record.boto_truncate_amount or 0)
  return values.present(record[name]), seen and math.max(seen, 0)
end

local function slice(list, from, to)
  if type(list) ~= "table" then return values.null end
  return table.move(list, from, to, 1, {})
end

-- The first page after --starting-token: what was seen of it is gone, with all of its other lists.
local function skip(self, page)
  local keys = self.paginator.result_keys
  for i = 2, #keys do page[keys[i]] = type(page[keys[i]]) == "table" and {} or values.null end
  local list = page[keys[1]]
  page[keys[1]] = slice(list, self.seen + 1, type(list) == "table" and #list or 0)
end

-- Cuts a page that has more than is wanted; true if it was so.
local function cut(self, page, count)
  if not self.max_items or self.total + count <= self.max_items then return false end
  local key = self.paginator.result_keys[1]
  local kept = self.max_items - self.total
  page[key] = slice(page[key], 1, kept)
  self.resume_token = encode(self.paginator.input_token, values.kept(self.token), kept + self.seen)
  return true
end

-- What comes after a whole page.
local function go_on(self, page)
  local token = page[self.paginator.output_token]
  if token == nil or token == "" then return false end
  if self.max_items == self.total then
    self.resume_token = encode(self.paginator.input_token, token)
    return false
  end
  self.token, self.seen = token, 0
  return true
end

--- The next page.
---@return table|false|nil page   nil at the end; false and an error's message, code and detail
---@return string|nil message
---@return string|nil code
---@return table|nil detail
function Pages:next()
  if self.done then return nil end
  local page, message, code, detail = self.fetch()
  if not page then
    self.done = true
    return page, message, code, detail
  end
  if self.skips then skip(self, page) end
  self.skips = false
  local list = page[self.paginator.result_keys[1]]
  local count = type(list) == "table" and list ~= values.null and #list or 0
  self.done = cut(self, page, count)
  self.total = self.total + count
  self.done = self.done or not go_on(self, page)
  return page
end

---@class eni6.cli.PagingOptions
---@field max_items integer|nil        --max-items
---@field starting_token string|nil    --starting-token
---@field page_size integer|nil        --page-size

--- The pages of an operation that has a paginator.
---@param client table                 of eni6.aws
---@param name string                  the operation
---@param params table                 its parameters
---@param options eni6.cli.PagingOptions
---@return table|nil pages             `:next()`; `.resume_token` at the end, when --max-items left something out
---@return string|nil message          for a bad starting token
function pages.new(client, name, params, options)
  local paginator = client.service:paginator(name)
  local self = { paginator = paginator, max_items = options.max_items, total = 0, seen = 0 }
  local copy = {}
  for key, value in pairs(params) do copy[key] = value end
  if options.page_size then copy[paginator.limit_key] = options.page_size end
  if options.starting_token then
    self.token, self.seen = decode(paginator.input_token, options.starting_token)
    if not self.seen then return nil, "Bad starting token: " .. options.starting_token end
    self.skips = true
    copy[paginator.input_token] = self.token
  end
  self.fetch = client:pages(name, copy)
  return setmetatable(self, Pages)
end

return pages
