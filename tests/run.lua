-- Runs every suite, two at a time, and adds up what they say in TAP. A suite is
-- a cmocka program of tests/c, a busted file of tests/lua or tests/net, or any
-- executable tests/**/*.t that prints TAP. Words on the command line choose the
-- suites whose name contains one of them.

-- The C and Lua suites run on each of these builds that exists; the sanitized
-- one brings its own interpreter and is there after `make sanitized`.
local BUILDS = {
  { prefix = "", directory = "build/release", lua = { "lua5.4", "lua5.3" } },
  { prefix = "sanitized ", directory = "build/address-undefined", lua = { "lua5.4" } },
}
local RESULTS = "build/results"
local SECONDS_EACH = 900

local function lines_of(command)
  local lines = {}
  local pipe = assert(io.popen(command))
  for line in pipe:lines() do lines[#lines + 1] = line end
  pipe:close()
  return lines
end

local function first_lines(path)
  local file = assert(io.open(path))
  local text = file:read(400) or ""
  file:close()
  return text
end

-- A spec runs under both Lua versions unless it says `-- run: lua5.4` on top, and on
-- each build unless it says `-- run: lua5.4 release`: then what it tests is run by
-- other interpreters, on that build.
local function runs_on(path, lua, build)
  local only, release = first_lines(path):match("^%-%- run: (lua%d%.%d)( ?%l*)")
  return not only or only == lua and (release ~= " release" or build.prefix == "")
end

local function busted_command(build, path, lua)
  local interpreter = build.prefix == "" and lua or build.directory .. "/tests/embed/interpreter-" .. lua
  return string.format(
    "LUA_PATH='lua/?.lua;lua/?/init.lua;tests/?.lua;;' LUA_CPATH='%s/%s/?.so;;' %s /usr/bin/busted --output=TAP %s",
    build.directory, lua, interpreter, path)
end

local function add_build(add, build)
  for _, path in ipairs(lines_of("find " .. build.directory .. "/tests/c -type f -perm -u+x 2>/dev/null | sort")) do
    add(build.prefix .. "c/" .. path:match("[^/]+$"), "CMOCKA_MESSAGE_OUTPUT=TAP " .. path)
  end
  for _, path in ipairs(lines_of("find tests/lua tests/net -name '*_spec.lua' 2>/dev/null | sort")) do
    for _, lua in ipairs(build.lua) do
      if runs_on(path, lua, build) then
        add(build.prefix .. path:match("tests/(.*)_spec") .. " " .. lua, busted_command(build, path, lua))
      end
    end
  end
end

local function exists(path)
  local file = io.open(path .. "/libeni6.a")
  return file and file:close()
end

local function all_suites()
  local suites = {}
  local function add(name, command) suites[#suites + 1] = { name = name, command = command } end
  for _, build in ipairs(BUILDS) do
    if exists(build.directory) then add_build(add, build) end
  end
  for _, path in ipairs(lines_of("find tests -name '*.t' -perm -u+x | sort")) do
    add(path:match("tests/(.*)%.t$"), path)
  end
  return suites
end

local function chosen(suites, words)
  if #words == 0 then return suites end
  local kept = {}
  for _, suite in ipairs(suites) do
    for _, word in ipairs(words) do
      if suite.name:find(word, 1, true) then
        kept[#kept + 1] = suite
        break
      end
    end
  end
  return kept
end

local function quoted(text) return "'" .. text:gsub("'", "'\\''") .. "'" end

-- Every suite's output goes to build/results/N.tap, its exit status and seconds to N.rc.
-- A person at a terminal sees each as it ends; the results follow in order.
local function run_all(suites)
  os.execute("rm -rf " .. RESULTS .. " && mkdir -p " .. RESULTS)
  local list = assert(io.open(RESULTS .. "/commands", "w"))
  for i, suite in ipairs(suites) do
    suite.output = RESULTS .. "/" .. i .. ".tap"
    suite.status = RESULTS .. "/" .. i .. ".rc"
    local body = string.format(
      "start=$(date +%%s); timeout -k 10 %d sh -c %s >%s 2>&1 </dev/null; echo $? $(($(date +%%s)-start)) >%s; "
      .. "[ ! -t 2 ] || echo %s >&2",
      SECONDS_EACH, quoted(suite.command), suite.output, suite.status, quoted("  ended: " .. suite.name))
    list:write(body, "\0")
  end
  list:close()
  os.execute("xargs -0 -n 1 -P 2 sh -c <" .. RESULTS .. "/commands")
end

local function count(suite)
  local result = { passed = 0, failed = 0, skipped = 0, reasons = {} }
  for line in io.lines(suite.output) do
    if line:match("^ok .*# [Ss][Kk][Ii][Pp]") or line:match("^1%.%.0 *# [Ss][Kk][Ii][Pp]") then
      result.skipped = result.skipped + 1
      result.reasons[#result.reasons + 1] = line:match("# [Ss][Kk][Ii][Pp]%S*%s*(.*)")
    elseif line:match("^ok ") then
      result.passed = result.passed + 1
    elseif line:match("^not ok ") then
      result.failed = result.failed + 1
    end
  end
  local status, seconds = first_lines(suite.status):match("(%d+) (%d+)")
  result.status, result.seconds = tonumber(status), tonumber(seconds)
  local crashed = result.status ~= 0 and result.failed == 0
  local empty = result.passed + result.failed + result.skipped == 0
  if crashed or empty then result.failed = result.failed + 1 end
  return result
end

local function show(suite, result)
  local verdict = result.failed > 0 and "FAILED" or "ok"
  print(string.format("%-6s %-44s %4d passed, %d failed, %d skipped, %d s", verdict, suite.name,
    result.passed, result.failed, result.skipped, result.seconds))
  for _, reason in ipairs(result.reasons) do print("       skipped: " .. reason) end
  if result.failed > 0 then
    print("       exit status " .. result.status .. " of: " .. suite.command)
    os.execute("grep -v '^ok ' " .. suite.output .. " | tail -n 60 | sed 's/^/       | /'")
  end
end

local suites = chosen(all_suites(), arg)
if #arg == 0 then io.stderr:write(#suites, " suites, two at a time: this takes some ten minutes\n") end
run_all(suites)
local total = { passed = 0, failed = 0, skipped = 0 }
for _, suite in ipairs(suites) do
  local result = count(suite)
  show(suite, result)
  for key in pairs(total) do total[key] = total[key] + result[key] end
end
print(string.format("%d passed, %d failed, %d skipped", total.passed, total.failed, total.skipped))
os.exit(total.failed == 0 and total.passed > 0 and 0 or 1)
