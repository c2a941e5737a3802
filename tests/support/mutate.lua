--- Mutation fuzzing of a parser written in Lua: damaged copies of good inputs.

local mutate = {}

local function insert(text, place, piece) return text:sub(1, place) .. piece .. text:sub(place + 1) end

-- Each takes a text, a place in it and the fuzzer's state, and returns the damaged text.
local DAMAGES = {
  function(text, place) return text:sub(1, place) end,
  function(text, place) return insert(text, place, string.char(math.random(0, 255))) end,
  function(text, place) return text:sub(1, place) .. string.char(math.random(0, 255)) .. text:sub(place + 2) end,
  function(text, place) return text:sub(1, place) .. text:sub(place + math.random(1, 40)) end,
  function(text, place, fuzzer) return insert(text, place, fuzzer.tokens[math.random(#fuzzer.tokens)]) end,
  function(text, place) return insert(text, place, text:sub(place + 1, place + math.random(1, 80)):rep(math.random(1, 9))) end,
  function(text, place, fuzzer)
    local other = fuzzer.seeds[math.random(#fuzzer.seeds)]
    return text:sub(1, place) .. other:sub(math.random(0, #other))
  end,
}

local function damaged(fuzzer)
  local text = fuzzer.seeds[math.random(#fuzzer.seeds)]
  for _ = 1, math.random(1, 5) do
    text = DAMAGES[math.random(#DAMAGES)](text, math.random(0, #text), fuzzer)
  end
  return text
end

local function save(name, text)
  os.execute("mkdir -p build/fuzz/found")
  local path = "build/fuzz/found/" .. name
  local file = assert(io.open(path, "wb"))
  file:write(text)
  file:close()
  return path
end

--- Runs `check` on the seeds, then on damaged ones for the seconds that the
-- environment's SECONDS gives (3). An input for which it raises is saved, and the
-- error goes on up. A result of true says that the input was accepted: it becomes
-- a seed, while there are few.
---@param name string        of the file that a failing input is saved to
---@param seeds string[]
---@param tokens string[]    pieces of the language, put in at random places
---@param check fun(text: string): boolean|nil
function mutate.run(name, seeds, tokens, check)
  local fuzzer = { seeds = { table.unpack(seeds) }, tokens = tokens }
  local number = tonumber(os.getenv "SEED") or os.time()
  math.randomseed(number)
  local stop = os.time() + (tonumber(os.getenv "SECONDS") or 3)
  local runs, accepted = 0, 0
  repeat
    local text = runs < #seeds and seeds[runs + 1] or damaged(fuzzer)
    local ok, result = xpcall(check, debug.traceback, text)
    if not ok then error(save(name, text) .. " (SEED=" .. number .. "): " .. result, 0) end
    runs = runs + 1
    if result and #text < 20000 then
      accepted = accepted + 1
      fuzzer.seeds[accepted <= 500 and #fuzzer.seeds + 1 or math.random(#seeds + 1, #fuzzer.seeds)] = text
    end
  until os.time() >= stop
  io.write(runs, " inputs, ", accepted, " accepted\n")
end

--- The contents of the files of a directory, in the order of their names.
---@param directory string
---@return string[]
function mutate.corpus(directory)
  local texts = {}
  local pipe = assert(io.popen("ls " .. directory .. "/*"))
  for path in pipe:lines() do
    local file = assert(io.open(path, "rb"))
    texts[#texts + 1] = file:read "a"
    file:close()
  end
  pipe:close()
  assert(#texts > 0, directory .. " is empty")
  return texts
end

return mutate
