-- Prints the manual page of a command, made from what its --help says.
--
-- usage: manual.lua VERSION PLANS INTERPRETER SCRIPT   SCRIPT ends in eni6-NAME; PLANS is where
-- the example plans will be

local version, plans, interpreter, script = arg[1], arg[2], arg[3], arg[4]
local command = script:match("[^/]+$")
local DATE = os.date("!%Y-%m-%d", tonumber(os.getenv("SOURCE_DATE_EPOCH"))) -- as reproducible builds set it

local function help_of(words)
  local pipe = assert(io.popen(interpreter .. " " .. script .. words .. " --help </dev/null"))
  local text = pipe:read("a")
  assert(pipe:close(), script .. words .. " --help failed")
  return (text:gsub("%S*/scripts/plans", plans))
end

-- A line as roff takes it literally.
local function literal(line)
  line = line:gsub("\\", "\\e"):gsub("%-", "\\-")
  return (line:gsub("^([.'])", "\\&%1"))
end

local page = {}
local function put(line) page[#page + 1] = line end

local function lines_of(text)
  local lines = {}
  for line in (text .. "\n"):gmatch("([^\n]*)\n") do lines[#lines + 1] = line end
  return lines
end

-- Lines in which indentation has a meaning.
local function verbatim(lines)
  put ".nf"
  for _, line in ipairs(lines) do put(literal(line)) end
  put ".fi"
end

-- --- what argparse prints: blocks between blank lines --------------------------------------

local function blocks_of(text)
  local blocks, current = {}, {}
  for _, line in ipairs(lines_of(text)) do
    if line ~= "" then
      current[#current + 1] = line
    elseif #current > 0 then
      blocks[#blocks + 1], current = current, {}
    end
  end
  return blocks
end

local LISTS = { ["Arguments:"] = true, ["Options:"] = true, ["Commands:"] = true }

-- A list of argparse's: entries by three spaces, what they mean in the column behind or below.
local function is_list(block) return LISTS[block[1]] and block[2] and block[2]:match("^   %S") end

local function entries_of(block)
  local entries = {}
  for i = 2, #block do
    local name, text = block[i]:match("^   (%S.-)   *(%S.*)$")
    if not name then name = block[i]:match("^   (%S.*)$") end
    if name then
      entries[#entries + 1] = { name = name, text = text or "" }
    else
      local entry = entries[#entries]
      entry.text = (entry.text .. " " .. block[i]:match("^%s*(.-)%s*$")):gsub("^ ", "")
    end
  end
  return entries
end

local function put_list(block)
  for _, entry in ipairs(entries_of(block)) do
    put ".TP"
    put("\\fB" .. literal(entry.name) .. "\\fR")
    put(literal(entry.text))
  end
end

-- --- the epilog: headings, prose, and indented lines ---------------------------------------

-- "Examples:" or "Exit status: 0 done; …" begin a section.
local SECTIONS = { Examples = true, Commands = true, ["Exit status"] = true }

local function put_run(lines, indented)
  if #lines == 0 then return end
  if indented then return verbatim(lines) end
  for _, line in ipairs(lines) do put(literal(line)) end
end

local function put_block(block)
  local heading, rest = block[1]:match("^(%u[%l ]+):%s*(.*)$")
  local first = 1
  if heading and SECTIONS[heading] then
    put(".SH " .. heading:upper())
    if rest ~= "" then put(literal(rest)) end
    first = 2
  elseif not page[#page]:match("^%.S[HS]") then
    put ".PP"
  end
  local run, indented = {}, false
  for i = first, #block do
    local deeper = block[i]:match("^%s") ~= nil
    if deeper ~= indented then
      put_run(run, indented)
      run, indented = {}, deeper
    end
    run[#run + 1] = block[i]
  end
  put_run(run, indented)
end

-- --- the page ----------------------------------------------------------------------------

local function usage_of(block)
  return (table.concat(block, " "):gsub("^Usage: ", ""):gsub("%s+", " "))
end

local function put_commands(block)
  put ".SH COMMANDS"
  for _, entry in ipairs(entries_of(block)) do
    local blocks = blocks_of(help_of(" " .. entry.name))
    put(".SS " .. literal(usage_of(blocks[1])))
    for i = 2, #blocks do
      if is_list(blocks[i]) then put_list(blocks[i]) else put_block(blocks[i]) end
    end
  end
end

local function put_page(blocks)
  local description = table.concat(blocks[2], " ")
  put(string.format('.TH %s 1 "%s" "eni6 %s" "eni6"', command:upper(), DATE, version))
  put ".SH NAME"
  put(literal(command) .. " \\- " .. literal((description:gsub("%.$", ""):gsub("^%u", string.lower))))
  put ".SH SYNOPSIS"
  put(literal(usage_of(blocks[1])))
  put ".SH DESCRIPTION"
  put(literal(description))
  for i = 3, #blocks do
    local block = blocks[i]
    if not is_list(block) then
      put_block(block)
    elseif block[1] == "Commands:" then
      put_commands(block)
    else
      put(".SH " .. block[1]:gsub(":", ""):upper())
      put_list(block)
    end
  end
end

put_page(blocks_of(help_of("")))
io.write(table.concat(page, "\n"), "\n")
