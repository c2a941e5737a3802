--- MaxResults and NextToken. A token names the last record given, so that pages
--- stay right while records come and go.

local refuse = require("eni6.sandbox.refusal").refuse

local M = {}

--- What paging adds to the parameters of a description.
M.parameters = { MaxResults = "integer", NextToken = "string" }

local MARK = "eni6-sandbox-after-"

local function to_token(serial)
  return ((MARK .. serial):gsub(".", function(char) return string.format("%02x", char:byte()) end))
end

local function from_token(token)
  local text = #token % 2 == 0 and not token:find("%X")
    and token:gsub("%x%x", function(digits) return string.char(tonumber(digits, 16)) end)
  local serial = text and text:match("^" .. MARK:gsub("%-", "%%-") .. "(%d+)$")
  return tonumber(serial) or refuse("InvalidNextToken", "The specified next token is invalid")
end

--- Refuses a MaxResults out of bounds or beside ids.
---@param params table
---@param bounds integer[] least and most
---@param ids_name string|nil the parameter of ids, when the request has some
function M.check(params, bounds, ids_name)
  local count = params.MaxResults
  if ids_name and (count or params.NextToken) then
    refuse("InvalidParameterCombination", "The parameter %s cannot be used with the parameter %s", ids_name,
      count and "MaxResults" or "NextToken")
  end
  if count and (count < bounds[1] or count > bounds[2]) then
    refuse("InvalidParameterValue", "Value ( %d ) for parameter maxResults is invalid. Expecting a value %s than %d.",
      count, count < bounds[1] and "greater" or "less", count < bounds[1] and bounds[1] - 1 or bounds[2] + 1)
  end
end

--- Cuts a page out of records in the order of their serials.
---@param records table[]
---@param params table with MaxResults and NextToken
---@return table[] page
---@return string|nil next_token
function M.cut(records, params)
  if not params.MaxResults and not params.NextToken then return records end
  local after = params.NextToken and from_token(params.NextToken) or -1
  local most = params.MaxResults or 1000
  local page = {}
  for _, record in ipairs(records) do
    if record.serial > after then
      if #page == most then return page, to_token(page[most].serial) end
      page[#page + 1] = record
    end
  end
  return page
end

return M
