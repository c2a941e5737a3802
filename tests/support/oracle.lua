--- Cases that a Python program under tests/oracle makes, one JSON document a line.

local json = require "dkjson"

local oracle = {}

--- Runs a program with Debian's Python and returns the documents it prints; null is dkjson's.
---@param program string   its name under tests/oracle
---@param ... string|number   its arguments
---@return table[]
function oracle.cases(program, ...)
  local command = table.concat({ "/usr/bin/python3 tests/oracle/" .. program, ... }, " ")
  local pipe = assert(io.popen(command))
  local cases = {}
  for line in pipe:lines() do
    local case, _, message = json.decode(line, 1, json.null)
    cases[#cases + 1] = assert(case, message)
  end
  assert(pipe:close(), command .. " failed")
  return cases
end

--- Runs a program on a file that holds a JSON document.
---@param program string   its name under tests/oracle
---@param question any
---@param how string|nil   what comes before the file's name: "<"
---@return table[] answers the documents it prints
function oracle.exchange(program, question, how)
  local path = os.tmpname()
  local file = assert(io.open(path, "wb"))
  file:write(json.encode(question))
  file:close()
  local answers = oracle.cases(program, (how or "") .. path)
  os.remove(path)
  return answers
end

--- Asks a program that reads one JSON document and prints another.
---@param program string   its name under tests/oracle
---@param question any
---@return any
function oracle.ask(program, question)
  return assert(oracle.exchange(program, question, "<")[1], program .. " printed nothing")
end

local function differ(got, want, path)
  if type(got) ~= "table" or type(want) ~= "table" then
    if got == want then return nil end
    return string.format("%s: got %s, want %s", path, tostring(got), tostring(want))
  end
  for key in pairs(want) do
    local difference = differ(got[key], want[key], path .. "." .. key)
    if difference then return difference end
  end
  for key in pairs(got) do
    if want[key] == nil then return path .. "." .. key .. ": not wanted" end
  end
end

--- Where two values first differ, or nil. Metatables do not count.
---@return string|nil
function oracle.difference(got, want) return differ(got, want, "") end

return oracle
