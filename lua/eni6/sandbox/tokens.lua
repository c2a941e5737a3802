--- Idempotency: a request that returns with the ClientToken of an earlier one
--- gets the earlier answer, or `IdempotentParameterMismatch` when anything else
--- in it differs.

local refuse = require("eni6.sandbox.refusal").refuse

local tokens = { __name = "eni6.sandbox.tokens" }
tokens.__index = tokens

function tokens.new() return setmetatable({ kept = {} }, tokens) end

-- The parameters as one text, in an order of their own.
local function fingerprint(value, out)
  if type(value) ~= "table" then
    out[#out + 1] = #tostring(value) .. ":" .. tostring(value)
    return
  end
  local names = {}
  for name in pairs(value) do names[#names + 1] = name end
  table.sort(names, function(a, b) return tostring(a) < tostring(b) end)
  out[#out + 1] = "{"
  for _, name in ipairs(names) do
    out[#out + 1] = name .. "="
    fingerprint(value[name], out)
  end
  out[#out + 1] = "}"
end

local function describe(params)
  local out = {}
  fingerprint(params, out)
  return table.concat(out)
end

--- The answer given before to the same token and parameters.
---@param operation string
---@param params table with ClientToken
---@return table|nil answer
function tokens:recall(operation, params)
  local kept = self.kept[operation .. " " .. params.ClientToken]
  if not kept then return nil end
  if kept.params ~= describe(params) then
    refuse("IdempotentParameterMismatch",
      "The request uses the same client token as a previous, but non-identical request")
  end
  return kept.answer
end

--- Remembers an answer under the request's token.
---@param operation string
---@param params table with ClientToken
---@param answer table
function tokens:keep(operation, params, answer)
  self.kept[operation .. " " .. params.ClientToken] = { params = describe(params), answer = answer }
end

return tokens
