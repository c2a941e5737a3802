--- EC2's Query protocol, server side: a form body becomes a tree of tables.
--- `Filter.1.Name=a&Filter.1.Value.1=b` becomes
--- `{ Filter = { [1] = { Name = "a", Value = { [1] = "b" } } } }`: names are
--- string keys, numbers are integer keys, values stay text.

local refuse = require("eni6.sandbox.refusal").refuse

local M = {}

local MAX_DEPTH = 12

local function from_hex(digits) return string.char(tonumber(digits, 16)) end

local function decoded(text)
  if not text:find("[+%%]") then return text end
  text = text:gsub("%+", " ")
  if text:find("%%%X") or text:find("%%%x%X") or text:find("%%%x?$") then
    refuse("MalformedQueryString", "The query string contains a syntax error")
  end
  return (text:gsub("%%(%x%x)", from_hex))
end

-- The table in which the last segment of a dotted key belongs, and that segment.
local function place(tree, key)
  local depth, node, last = 0, tree, nil
  for segment in key:gmatch("[^.]+") do
    segment = segment:match("^%d+$") and #segment < 9 and tonumber(segment) or segment
    if last ~= nil then
      local inner = node[last]
      if inner == nil then
        inner = {}
        node[last] = inner
      elseif type(inner) ~= "table" then
        refuse("InvalidQueryParameter", "The parameter %s is used both as a value and as a structure", key)
      end
      node, depth = inner, depth + 1
    end
    last = segment
    if depth > MAX_DEPTH then refuse("InvalidQueryParameter", "The parameter %s is nested too deeply", key) end
  end
  return node, last
end

--- Parses a form body or a query string.
---@param text string `application/x-www-form-urlencoded`
---@return table tree
function M.parse(text)
  local tree = {}
  for pair in text:gmatch("[^&]+") do
    local key, value = pair:match("^([^=]*)=?(.*)$")
    key = decoded(key)
    local node, last = place(tree, key)
    if last ~= nil then
      if type(node[last]) == "table" then
        refuse("InvalidQueryParameter", "The parameter %s is used both as a value and as a structure", key)
      end
      node[last] = decoded(value)
    end
  end
  return tree
end

return M
