-- Compiles the modules for the Lua that runs this, one file a module: when the source was changed last, so that
-- scripts/lib/compiled.lua can tell whether it is still that one, and the bytecode.
--
-- usage: compile.lua DIRECTORY     in the root of the tree, with eni6.core in LUA_CPATH

local stat = require("eni6.core").filesystem.stat

local directory = arg[1]

local function read(path)
  local file = assert(io.open(path, "rb"))
  local text = file:read("a")
  file:close()
  return text
end

local function write(path, text)
  local file = assert(io.open(path .. ".new", "wb"))
  file:write(text)
  file:close()
  assert(os.rename(path .. ".new", path))
end

local pipe = assert(io.popen("find lua -name '*.lua'"))
for path in pipe:lines() do
  local modified = stat(path).modified
  local bytecode = string.dump(assert(load(read(path), "@" .. path, "t")))
  local name = path:match("^lua/(.*)%.lua$"):gsub("/init$", ""):gsub("/", ".")
  write(directory .. "/" .. name, string.pack("<i8I4", modified, #bytecode) .. bytecode)
end
assert(pipe:close())
