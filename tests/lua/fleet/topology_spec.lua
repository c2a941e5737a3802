local lxp = require "lxp"
local topology = require "eni6.fleet.topology"

local function result(hosts)
  return { plan = "two <&> instances", region = "us-east-1", subnet = "subnet-09a931730fa9e0001",
    prefix = "2001:db8:47b:ca03::/64", hosts = hosts }
end

local TWO = result {
  { name = "instance-1", state = "running", instance_id = "i-1", interface_id = "eni-1",
    address = "2001:db8:47b:ca03::1:1", block = "2001:db8:47b:ca03::8/126" },
  { name = "instance-2", state = "running", instance_id = "i-2", interface_id = "eni-2",
    address = "2001:db8:47b:ca03::2:2", block = "2001:db8:47b:ca03:5f00::/80" },
}
local NONE = result { { name = "instance-1" } }

local function many(count)
  local hosts = {}
  for i = 1, count do
    hosts[i] = { name = "host-" .. i, address = "2001:db8:47b:ca03::1:" .. i, block = "2001:db8:47b:ca03::8/126" }
  end
  return result(hosts)
end

-- The texts and boxes of an SVG, read by a real XML parser.
local function elements(svg)
  local found = { rect = {}, text = {} }
  local inside
  local parser = lxp.new({
    StartElement = function(_, name, attributes)
      inside = found[name] and attributes
      if inside then table.insert(found[name], attributes) end
    end,
    CharacterData = function(_, text) if inside then inside.content = (inside.content or "") .. text end end,
    EndElement = function() inside = nil end,
  })
  assert(parser:parse(svg))
  assert(parser:parse())
  return found
end

local function contents(svg)
  local set = {}
  for _, text in ipairs(elements(svg).text) do set[text.content] = true end
  return set
end

describe("topology", function()
  it("is a table with a line for each host, without blanks at line ends", function()
    assert.equal([[
HOST        STATE    INSTANCE  INTERFACE  ADDRESS                 BLOCK
instance-1  running  i-1       eni-1      2001:db8:47b:ca03::1:1  2001:db8:47b:ca03::8/126
instance-2  running  i-2       eni-2      2001:db8:47b:ca03::2:2  2001:db8:47b:ca03:5f00::/80
]], topology.table(TWO))
    assert.equal("HOST        STATE  INSTANCE  INTERFACE  ADDRESS  BLOCK\ninstance-1  -      -         -          -        -\n",
      topology.table(NONE))
  end)

  it("is a drawing in text", function()
    assert.equal([[
two <&> instances  us-east-1  subnet-09a931730fa9e0001  2001:db8:47b:ca03::/64
router  fe80:ec2::1
├─ instance-1  i-1  running
│  ├─ ens5     2001:db8:47b:ca03::1:1/64
│  └─ docker0  2001:db8:47b:ca03::9/126
│     ├─ container  2001:db8:47b:ca03::a
│     └─ container  2001:db8:47b:ca03::b
└─ instance-2  i-2  running
   ├─ ens5     2001:db8:47b:ca03::2:2/64
   └─ docker0  2001:db8:47b:ca03:5f00::1/80
      ├─ container  2001:db8:47b:ca03:5f00::2
      ├─ container  2001:db8:47b:ca03:5f00::3
      └─ …
]], topology.text(TWO))
  end)

  it("is an SVG that says the same", function()
    local shown = contents(topology.svg(TWO))
    for _, text in ipairs { "instance-1", "i-1, running", "2001:db8:47b:ca03::1:1/64", "2001:db8:47b:ca03::9/126",
      "2001:db8:47b:ca03::a", "2001:db8:47b:ca03::b", "fe80:ec2::1", "2001:db8:47b:ca03:5f00::1/80" } do
      assert.is_true(shown[text], text)
    end
    assert.is_true(contents(topology.svg(NONE))["no address"])
  end)

  it("keeps every box inside the picture, however many hosts", function()
    for _, count in ipairs { 1, 2, 4, 5, 20, 33 } do
      local svg = topology.svg(many(count))
      local width, height = svg:match('width="(%d+)" height="(%d+)"')
      for _, rect in ipairs(elements(svg).rect) do
        if rect.x then
          assert.is_true(rect.x + rect.width <= tonumber(width) and rect.y + rect.height <= tonumber(height), count)
        end
      end
    end
  end)

  it("is a DOT file that Graphviz takes", function()
    for _, one in ipairs { TWO, NONE, many(20) } do
      local path = os.tmpname()
      local file = assert(io.open(path, "w"))
      file:write(topology.dot(one))
      file:close()
      local pipe = assert(io.popen("dot -Tplain " .. path .. " 2>&1"))
      local plain = pipe:read("a")
      local ok = pipe:close()
      os.remove(path)
      assert.is_true(ok, plain)
      assert.matches("^graph ", plain)
      local _, edges = plain:gsub("\nedge ", "")
      assert.equal(({ [2] = 8, [1] = 1, [20] = 80 })[#one.hosts], edges)
    end
  end)

  it("knows a picture's format by its name", function()
    assert.equal(topology.svg, topology.for_file("x/y.svg"))
    assert.equal(topology.dot, topology.for_file("y.dot"))
    assert.equal(topology.text, topology.for_file("y.txt"))
    local draw, message = topology.for_file("y.png")
    assert.is_nil(draw)
    assert.matches("y.png: .*%.svg", message)
  end)
end)
