--- What a command prints: answers in the bytes of the AWS CLI's formatters (awscli/formatter.py), page by page
--- for text and yaml-stream, at the end for the others, through --query in both.
---
---     local printer = output.new("text", write, { operation = "DescribeVpcs", paginator =, query = })
---     printer:page(output.ordered(answer, operation.output))
---     local remarks = printer:finish()

local values = require "eni6.jmespath.values"

local output = {}

--- Makes a decoded answer what the AWS CLI shows, in place: see eni6.cli.output.result.
output.ordered = require("eni6.cli.output.result").ordered

---@class eni6.cli.OutputOptions
---@field operation string          as AWS spells it; a table's title
---@field query table|nil           of --query: compiled by eni6.jmespath
---@field paginator table|nil       of the model, when the answer comes in pages (nil with --no-paginate)
---@field color boolean|nil         of tables
---@field width integer|nil         columns of the terminal; 80

---@class eni6.cli.Printer
local Printer = {}
Printer.__index = Printer

-- --- The formats -------------------------------------------------------------

-- How much of an answer a format takes at once, and what writes it.
local FORMATS = {
  json = {
    write = function(value, write) require("eni6.cli.output.json").write(value, write) end,
  },
  text = {
    by_page = true,
    write = function(value, write) require("eni6.cli.output.text").write(value, write) end,
  },
  table = {
    write = function(value, write, options) require("eni6.cli.output.table").write(value, write, options) end,
  },
  yaml = {
    write = function(value, write) require("eni6.cli.output.yaml").write(value, write) end,
  },
  ["yaml-stream"] = {
    by_page = true,
    write = function(value, write) require("eni6.cli.output.yaml").write({ values.kept(value) }, write) end,
  },
}

--- The names of the formats, as --output takes them.
output.FORMATS = { "json", "text", "table", "yaml", "yaml-stream" }

-- --- Pages -------------------------------------------------------------------

-- Text shows of a page what the pages add up to, and null for what is not there.
local function text_page(self, page)
  local keys = self.options.paginator.result_keys
  local shown = setmetatable({}, values.object_metatable(keys))
  for _, key in ipairs(keys) do shown[key] = values.kept(page[key]) end
  return shown
end

-- Members of what pages add up to are in the order in which they came.
local function put(self, key, value)
  self.merged[key] = value
  table.insert(self.order, key)
end

local function merge(self, page)
  for _, key in ipairs(self.options.paginator.result_keys) do
    local list, more = self.merged[key], values.present(page[key])
    if more and list == nil then
      put(self, key, more)
    elseif more then
      table.move(more, 1, #more, #list + 1, list)
    end
  end
end

local function is_empty(value) return type(value) == "table" and value ~= values.null and next(value) == nil end

-- Counts what --query found nothing in.
local function take_note(self, found)
  self.shown = self.shown + 1
  if values.kind(found) == "null" then self.nulls = self.nulls + 1 end
  if found == "" or is_empty(found) then self.empties = self.empties + 1 end
end

-- An operation that answers nothing prints nothing: so does a --query that finds an empty map.
local function is_nothing(self, value)
  return values.kind(value) == "object" and next(value) == nil and not (self.format == "yaml-stream" and self.options.paginator)
end

local function show(self, document)
  local query = self.options.query
  if query then
    local found, message, code = query:search(document)
    if message then return nil, message, code end
    take_note(self, found)
    document = found
  end
  if is_nothing(self, document) then return true end
  local ok, raised = pcall(FORMATS[self.format].write, document, self.write, self.options)
  if ok then return true end
  local failure = values.failure_of(raised)
  return nil, failure.message, failure.code
end

--- Takes a page, or an answer that is not paged; text and yaml-stream print it.
---@param page table             of `output.ordered`; the printer keeps and changes it
---@return boolean|nil true
---@return string|nil message    when --query or the format cannot take it: the AWS CLI exits with 255, too
---@return string|nil code
function Printer:page(page)
  if not FORMATS[self.format].by_page then
    if self.options.paginator then merge(self, page) else self.merged = page end
    return true
  end
  if self.format == "text" and self.options.paginator then page = text_page(self, page) end
  return show(self, page)
end

-- Text has the token in a line of its own, to which --query applies as to a page: mostly for another "None".
local function show_resume_token(self, token)
  if self.format == "yaml-stream" then return true end
  local key, metatable = "NextToken", values.object_metatable { "NextToken" }
  local shown, nulls, empties = self.shown, self.nulls, self.empties
  local ok, message, code = show(self, setmetatable({ [key] = setmetatable({ [key] = token }, metatable) }, metatable))
  self.hides_token = self.nulls > nulls
  self.shown, self.nulls, self.empties = shown, nulls, empties
  return ok, message, code
end

-- What --query made of the pages, if it misleads.
local function remark_on_results(self)
  local what = string.format('of the --query expression "%s"', self.options.query.text)
  if self.nulls == self.shown then return "the result " .. what .. ' is null, which text output shows as "None"' end
  if self.nulls > 0 then
    return string.format('%d of %d results %s, one for each page, are null, which text output shows as "None"',
      self.nulls, self.shown, what)
  end
  return self.empties == self.shown and "the result " .. what .. " is empty" or nil
end

local function remarks_of(self)
  if self.format ~= "text" or not self.options.query or self.shown == 0 then return {} end
  local remarks = { remark_on_results(self) }
  if self.hides_token then
    remarks[#remarks + 1] = 'the last "None" stands for the NextToken of --max-items, which --query applies to as well'
  end
  return remarks
end

--- Prints what is not printed yet.
---@param resume_token string|nil  of eni6.cli.output.pages, when --max-items left something out
---@return string[]|nil remarks    for standard error: where the output misleads
---@return string|nil message
---@return string|nil code
function Printer:finish(resume_token)
  local ok, message, code = true, nil, nil
  if not FORMATS[self.format].by_page then
    if resume_token then put(self, "NextToken", resume_token) end
    ok, message, code = show(self, self.merged)
  elseif resume_token then
    ok, message, code = show_resume_token(self, resume_token)
  end
  if not ok then return nil, message, code end
  return remarks_of(self)
end

--- A printer of one command's answer.
---@param format "json"|"text"|"table"|"yaml"|"yaml-stream"
---@param write fun(text: string)
---@param options eni6.cli.OutputOptions
---@return eni6.cli.Printer
function output.new(format, write, options)
  if not FORMATS[format] then error("no output format " .. tostring(format), 2) end
  local order = {}
  return setmetatable({
    format = format, write = write, options = options,
    merged = setmetatable({}, values.object_metatable(order)), order = order,
    shown = 0, nulls = 0, empties = 0,
  }, Printer)
end

return output
