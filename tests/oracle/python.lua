--- Asks a Python program of tests/oracle: one JSON document in, one out. Debian's Python, since
-- that is the one that Debian's botocore belongs to.

local json = require "dkjson"

local python = {}

local function write_file(path, content)
  local file = assert(io.open(path, "wb"))
  file:write(content)
  file:close()
end

--- A file's JSON null becomes nil; big inputs are fine, both ways go through files.
---@param program string name below tests/oracle, without .py
---@param input table|string|number
---@return table
function python.ask(program, input)
  local path = os.tmpname()
  write_file(path, json.encode(input))
  local pipe = assert(io.popen(string.format("/usr/bin/python3 tests/oracle/%s.py <%s", program, path)))
  local output = pipe:read("*a")
  pipe:close()
  os.remove(path)
  return assert(json.decode(output), "no answer from " .. program)
end

return python
