-- Runs the benchmarks beside this file, one after the other: each measures eni6 and
-- its peers in one run and prints their ratios. Words choose those whose name has one.

local ENVIRONMENT = "LUA_PATH='lua/?.lua;lua/?/init.lua;tests/?.lua;;' LUA_CPATH='build/release/lua5.4/?.so;;' "

local function names()
  local list = {}
  local pipe = assert(io.popen("ls tests/bench/*.lua"))
  for path in pipe:lines() do
    local name = path:match("([^/]+)%.lua$")
    if name ~= "run" then list[#list + 1] = name end
  end
  pipe:close()
  return list
end

local function is_chosen(name)
  for _, word in ipairs(arg) do
    if name:find(word, 1, true) then return true end
  end
  return #arg == 0
end

local failed = false
for _, name in ipairs(names()) do
  if is_chosen(name) then
    print("--- " .. name)
    failed = not os.execute(ENVIRONMENT .. "lua5.4 tests/bench/" .. name .. ".lua") or failed
  end
end
os.exit(failed and 1 or 0)
