-- A pool of address blocks, for mod_magnet:
--   POST /blocks?length=126       takes the lowest free block of that size
--   DELETE /blocks/PREFIX         gives it back
--   GET /blocks                   lists those that are taken
-- The pool is over the prefix in POOL. It lives as long as lighttpd: one process, since
-- another would have a pool of its own.

local blocks = require "eni6.blocks"

-- mod_magnet keeps a script's Lua state from request to request, but not its globals.
local pool = package.loaded["blocks.pool"] or blocks.new(assert(os.getenv "POOL", "POOL must be a prefix"))
package.loaded["blocks.pool"] = pool

local STATUS = { ENOSPC = 507, ENOENT = 404, EINVAL = 400 }

local function answer(status, text)
  lighty.r.resp_header["Content-Type"] = "text/plain"
  lighty.r.resp_body.set(text .. "\n")
  return status
end

local function fail(message, code) return answer(STATUS[code] or 500, message) end

local function post(query)
  local length = math.tointeger(tonumber(query:match "^length=(%d+)$"))
  if not length or length < pool:prefix().length or length > 128 then
    return answer(400, "length must be from " .. pool:prefix().length .. " to 128")
  end
  local block, message, code = pool:allocate(length)
  if not block then return fail(message, code) end
  return answer(201, tostring(block))
end

local function delete(text)
  local ok, done, message, code = pcall(pool.release, pool, text)
  if not ok then return answer(400, "not a block: " .. text) end
  if not done then return fail(message, code) end
  return answer(200, "released")
end

local function list()
  local lines = {}
  for block in pool:blocks() do lines[#lines + 1] = tostring(block) end
  return answer(200, table.concat(lines, "\n"))
end

local attributes = lighty.r.req_attr
local method, path = attributes["request.method"], attributes["uri.path"]
if path == "/blocks" and method == "POST" then return post(attributes["uri.query"] or "") end
if path == "/blocks" and method == "GET" then return list() end
if path:find "^/blocks/" and method == "DELETE" then return delete(path:sub(#"/blocks/" + 1)) end
return answer(404, "POST /blocks?length=126, DELETE /blocks/PREFIX, or GET /blocks")
