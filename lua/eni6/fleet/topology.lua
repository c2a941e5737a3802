--- What a fleet looks like: a table and a drawing for the terminal, and DOT and
-- SVG pictures after the published one: the instances, the main interface of
-- each with its address, the bridge with its own, and the containers'.
-- All functions are pure: a result of eni6.fleet.provision in, text out.

local ip6 = require "eni6.ip6"

local topology = {}

local GATEWAY = "fe80:ec2::1" -- where AWS's router answers in every subnet
local SHOWN_CONTAINERS = 2

-- What stands in one instance's box. dockerd leaves a block's first address
-- alone and gives the second to the bridge; the others are for containers.
local function parts_of(host, result)
  local block = host.block and ip6.prefix(host.block)
  local parts = { title = host.name, id = host.instance_id or "not launched", state = host.state,
    interface = host.address and host.address .. "/" .. result.length or "no address", containers = {} }
  if not block then return parts end
  parts.bridge = block:nth(2) .. "/" .. block.length
  for i = 3, math.min(2 + SHOWN_CONTAINERS, block:size()) do
    parts.containers[#parts.containers + 1] = tostring(block:nth(i))
  end
  parts.more = block:size() > 2 + SHOWN_CONTAINERS
  return parts
end

local function all_parts(result)
  local list = {}
  local length = result.prefix and ip6.prefix(result.prefix).length or 64
  for i, host in ipairs(result.hosts) do list[i] = parts_of(host, { length = length }) end
  return list
end

local function headline(result)
  return table.concat({ result.plan, result.region, result.subnet, result.prefix }, "  ")
end

-- --- for the terminal --------------------------------------------------------------

local COLUMNS = { { "HOST", "name" }, { "STATE", "state" }, { "INSTANCE", "instance_id" }, { "INTERFACE", "interface_id" },
  { "ADDRESS", "address" }, { "BLOCK", "block" } }

--- A table with a line for each host.
---@param result table  what provision returns: { plan, region, subnet, prefix?, hosts = { … } }
---@return string
function topology.table(result)
  local rows, widths = { {} }, {}
  for c, column in ipairs(COLUMNS) do rows[1][c] = column[1] end
  for _, host in ipairs(result.hosts) do
    local row = {}
    for c, column in ipairs(COLUMNS) do row[c] = host[column[2]] or "-" end
    rows[#rows + 1] = row
  end
  for _, row in ipairs(rows) do
    for c, text in ipairs(row) do widths[c] = math.max(widths[c] or 0, #text) end
  end
  for i, row in ipairs(rows) do
    for c, text in ipairs(row) do row[c] = text .. (" "):rep(widths[c] - #text) end
    rows[i] = table.concat(row, "  "):gsub(" +$", "")
  end
  return table.concat(rows, "\n") .. "\n"
end

local function tree_of(parts, last, lines)
  local bar = last and "   " or "│  "
  lines[#lines + 1] = (last and "└─ " or "├─ ") .. parts.title .. "  " .. parts.id
    .. (parts.state and "  " .. parts.state or "")
  lines[#lines + 1] = bar .. (parts.bridge and "├" or "└") .. "─ ens5     " .. parts.interface
  if not parts.bridge then return end
  lines[#lines + 1] = bar .. "└─ docker0  " .. parts.bridge
  for i, address in ipairs(parts.containers) do
    local end_of_list = i == #parts.containers and not parts.more
    lines[#lines + 1] = bar .. "   " .. (end_of_list and "└" or "├") .. "─ container  " .. address
  end
  if parts.more then lines[#lines + 1] = bar .. "   └─ …" end
end

--- A drawing in text.
---@param result table
---@return string
function topology.text(result)
  local lines = { headline(result), "router  " .. GATEWAY }
  local list = all_parts(result)
  for i, parts in ipairs(list) do tree_of(parts, i == #list, lines) end
  return table.concat(lines, "\n") .. "\n"
end

-- --- for Graphviz ------------------------------------------------------------------

local function dot_quoted(text) return '"' .. text:gsub('["\\]', "\\%0"):gsub("\n", "\\n") .. '"' end

local function dot_host(i, parts, lines)
  local function add(...) lines[#lines + 1] = string.format(...) end
  add("  subgraph cluster_%d {", i)
  add("    label=%s; style=rounded; color=\"#5b7083\";", dot_quoted(parts.title .. "\n" .. parts.id))
  add("    ens5_%d [label=%s];", i, dot_quoted("ens5\n" .. parts.interface))
  if parts.bridge then
    add("    docker0_%d [label=%s, fillcolor=\"#e6f2e6\"];", i, dot_quoted("docker0\n" .. parts.bridge))
    add("    ens5_%d -- docker0_%d;", i, i)
  end
  for c, address in ipairs(parts.containers) do
    add("    container_%d_%d [label=%s, fillcolor=\"#fdf3dc\"];", i, c, dot_quoted("container\n" .. address))
    add("    docker0_%d -- container_%d_%d;", i, i, c)
  end
  add("  }")
  add("  router -- ens5_%d;", i)
end

--- A picture for Graphviz: `dot -Tpng`.
---@param result table
---@return string
function topology.dot(result)
  local lines = { "graph fleet {", "  label=" .. dot_quoted(headline(result)) .. ";", "  labelloc=t;",
    '  node [shape=box, style="rounded,filled", fillcolor="#e3edf7", fontname="monospace", fontsize=10];',
    '  graph [fontname="sans-serif", fontsize=12];',
    "  router [label=" .. dot_quoted("router\n" .. GATEWAY) .. ', shape=ellipse, fillcolor="#ffffff"];' }
  for i, parts in ipairs(all_parts(result)) do dot_host(i, parts, lines) end
  lines[#lines + 1] = "}"
  return table.concat(lines, "\n") .. "\n"
end

-- --- SVG ---------------------------------------------------------------------------

local CARD = { width = 330, height = 216, gap = 26, across = 4 }
local TOP = 110 -- above the first row of instances
local ENTITIES = { ["&"] = "&amp;", ["<"] = "&lt;", [">"] = "&gt;", ['"'] = "&quot;" }

local function escaped(text) return (text:gsub('[&<>"]', ENTITIES)) end

local function box(x, y, width, height, class)
  return string.format('<rect class="%s" x="%d" y="%d" width="%d" height="%d" rx="8"/>', class, x, y, width, height)
end

local function label(x, y, class, text)
  return string.format('<text class="%s" x="%d" y="%d">%s</text>', class, x, y, escaped(text))
end

local function line(x1, y1, x2, y2)
  return string.format('<line x1="%d" y1="%d" x2="%d" y2="%d"/>', x1, y1, x2, y2)
end

-- A box with a name and an address: an interface, the bridge, a container.
local function port(x, y, width, class, name, address, out)
  out[#out + 1] = box(x, y, width, 34, class)
  out[#out + 1] = label(x + 10, y + 14, "small", name)
  out[#out + 1] = label(x + 10, y + 28, "address", address)
end

-- The containers hang on a line down from the bridge.
local function containers(x, y, parts, out)
  local last = y + 132 + (#parts.containers - 1) * 39 + 17
  if #parts.containers > 0 then out[#out + 1] = line(x + 27, y + 126, x + 27, last) end
  for i, address in ipairs(parts.containers) do
    local top = y + 132 + (i - 1) * 39
    out[#out + 1] = line(x + 27, top + 17, x + 40, top + 17)
    local name = parts.more and i == #parts.containers and "container  (and so on)" or "container"
    port(x + 40, top, CARD.width - 56, "container", name, address, out)
  end
end

local function card(x, y, parts, out)
  local inner, wire = CARD.width - 32, x + CARD.width - 40
  out[#out + 1] = box(x, y, CARD.width, CARD.height, "instance")
  out[#out + 1] = label(x + 16, y + 62, "title", parts.title)
  out[#out + 1] = label(x + 16, y + 78, "small", parts.id .. (parts.state and ", " .. parts.state or ""))
  port(x + 16, y + 8, inner, "interface", "ens5", parts.interface, out)
  if not parts.bridge then return end
  out[#out + 1] = line(wire, y + 42, wire, y + 92)
  port(x + 16, y + 92, inner, "bridge", "docker0", parts.bridge, out)
  containers(x, y, parts, out)
end

local STYLE = [[<style>
text { font-family: "DejaVu Sans", Verdana, sans-serif; fill: #1d2b36; }
.title { font-size: 15px; font-weight: bold; } .small { font-size: 10px; fill: #5b7083; }
.address { font-family: "DejaVu Sans Mono", Menlo, monospace; font-size: 11px; } .head { font-size: 13px; }
rect { stroke: #5b7083; fill: #fff; } line { stroke: #5b7083; stroke-width: 1.5; }
.instance { fill: #f6f9fb; stroke-width: 1.5; } .interface { fill: #e3edf7; } .bridge { fill: #e6f2e6; }
.container { fill: #fdf3dc; }
</style>]]

local function size_of(count)
  local across = math.min(math.max(count, 1), CARD.across)
  local rows = math.ceil(math.max(count, 1) / CARD.across)
  local step_x, step_y = CARD.width + CARD.gap, CARD.height + CARD.gap * 2
  return { across = across, rows = rows, step_x = step_x, step_y = step_y,
    width = math.max(across * step_x + CARD.gap * 2, 560), height = TOP + rows * step_y + 6 }
end

-- The wire from the router along the left edge, and along each row.
local function wires(size, count, out)
  local left = CARD.gap / 2
  local function bus(row) return TOP + row * size.step_y + CARD.gap / 2 end
  out[#out + 1] = line(left, 55, CARD.gap, 55)
  out[#out + 1] = line(left, 55, left, bus(size.rows - 1))
  for row = 0, size.rows - 1 do
    local in_row = math.min(count - row * CARD.across, CARD.across)
    out[#out + 1] = line(left, bus(row), CARD.gap + (in_row - 1) * size.step_x + CARD.width / 2, bus(row))
  end
end

--- A picture: one SVG file that needs nothing else.
---@param result table
---@return string
function topology.svg(result)
  local list = all_parts(result)
  local size = size_of(#list)
  local out = { string.format('<svg xmlns="http://www.w3.org/2000/svg" width="%d" height="%d" viewBox="0 0 %d %d">',
    size.width, size.height, size.width, size.height),
    "<title>" .. escaped(headline(result)) .. "</title>", STYLE,
    '<rect style="stroke: none" width="100%" height="100%"/>', label(CARD.gap, 24, "head", headline(result)) }
  wires(size, #list, out)
  out[#out + 1] = box(CARD.gap, 38, 150, 34, "interface")
  out[#out + 1] = label(CARD.gap + 10, 52, "small", "router")
  out[#out + 1] = label(CARD.gap + 10, 66, "address", GATEWAY)
  for i, parts in ipairs(list) do
    local column, row = (i - 1) % CARD.across, math.floor((i - 1) / CARD.across)
    local x, y = CARD.gap + column * size.step_x, TOP + row * size.step_y + CARD.gap
    out[#out + 1] = line(x + CARD.width / 2, y - CARD.gap / 2, x + CARD.width / 2, y + 8)
    card(x, y, parts, out)
  end
  out[#out + 1] = "</svg>"
  return table.concat(out, "\n") .. "\n"
end

local FORMATS = { svg = topology.svg, dot = topology.dot, gv = topology.dot, txt = topology.text }

--- The drawing for a file's name, by its ending: .svg, .dot, .gv or .txt.
---@param path string
---@return (fun(result: table): string)|nil
---@return string? message
function topology.for_file(path)
  local draw = FORMATS[path:match("%.(%w+)$") or ""]
  if draw then return draw end
  return nil, path .. ": the name of a picture ends in .svg, .dot or .txt"
end

return topology
