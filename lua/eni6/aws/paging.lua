--- Pages of answers: NextToken followed to the end.

local paging = {}

local function looped(name)
  return name .. ": the service gave the same page token twice; stopping, since it would never end", "PagingLoop",
    { operation = name, retryable = false }
end

local function copy_of(params)
  local copy = {}
  for key, value in pairs(params or {}) do copy[key] = value end
  return copy
end

-- Asks for the page that `state` has come to.
local function next_page(client, name, state)
  local page, message, code, detail = client:call(name, state.params)
  if not page then
    state.done = true
    return false, message, code, detail
  end
  local paginator = state.paginator
  local token = paginator and page[paginator.output_token]
  state.done = token == nil or token == ""
  if state.done then return page end
  state.looped = state.seen[token]
  state.seen[token] = true
  state.params[paginator.input_token] = token
  return page
end

--- Iterates over pages. An operation that has none gives its one answer.
---@param client table
---@param name string
---@param params table|nil may hold a token to begin with
---@return function iterator page | false, message, code, detail
function paging.pages(client, name, params)
  local state = { params = copy_of(params), paginator = client.service:paginator(name), seen = {} }
  return function()
    if state.done then return nil end
    if state.looped then
      state.done = true
      return false, looped(name)
    end
    return next_page(client, name, state)
  end
end

local function append(result, page, keys)
  for _, key in ipairs(keys) do
    local list, more = result[key], page[key]
    if not list then
      result[key] = more
    elseif more then
      for i = 1, #more do list[#list + 1] = more[i] end
    end
  end
end

--- All pages in one: the lists joined, everything else as on the first page.
---@param client table
---@param name string
---@param params table|nil
---@return table|nil result
---@return string|nil message
---@return string|nil code
---@return table|nil detail
function paging.all(client, name, params)
  local paginator = client.service:paginator(name)
  local result
  for page, message, code, detail in paging.pages(client, name, params) do
    if not page then return nil, message, code, detail end
    if result then append(result, page, paginator.result_keys) else result = page end
  end
  if paginator then result[paginator.output_token] = nil end
  return result
end

return paging
