-- The way back of a link's addresses and routes, in a world of which time, kernel and
-- networkd are tables. What real ones do is in tests/net/nspawn_confirm_spec.lua.
local link = require("eni6.host.steps.link")

local P, GATEWAY = "2001:db8:47b:ca03::", "fe80::1"

local function bits(address) return (address:match("^[^/]*")) end

-- The kernel as far as the step asks it.
local function new_kernel(addresses, routes)
  local kernel = { list = addresses, default = routes, refused = {} }
  function kernel:addresses() return self.list end
  function kernel.get_link() return { index = 2 } end
  function kernel:ensure_no_address(fields)
    for i = #self.list, 1, -1 do
      if bits(self.list[i].address) == bits(fields.address) then table.remove(self.list, i) end
    end
    return "deleted"
  end
  function kernel:replace_address(fields)
    if self.refused[fields.address] then return nil, "not now", "ENOMEM" end
    self.list[#self.list + 1] = fields
    return true
  end
  function kernel:routes(filter)
    local found = {}
    for _, route in ipairs(self.default) do
      if not filter.metric or route.metric == filter.metric then found[#found + 1] = route end
    end
    return found
  end
  function kernel:ensure_no_route(fields)
    for i = #self.default, 1, -1 do
      if self.default[i].metric == fields.metric then table.remove(self.default, i) end
    end
    return "deleted"
  end
  function kernel:append_route(route)
    self.default[#self.default + 1] = route
    return true
  end
  function kernel:ensure_route(fields)
    if #self:routes({ metric = fields.metric }) == 0 then self:append_route(fields) end
    return "added"
  end
  return kernel
end

-- `on_time` is called as time goes on, with the seconds since the start.
local function new_world(kernel, on_time)
  local world = { netlink = kernel, state = "configured", active = true, commands = {} }
  local clock = 1000
  world.tasks = { now = function() return clock end, sleep = function(seconds)
    clock = clock + seconds
    if on_time then on_time(world, clock - 1000) end
  end }
  function world:read(path)
    assert.equal("/run/systemd/netif/links/2", path)
    return "ADMIN_STATE=" .. self.state .. "\n"
  end
  function world:run(argv)
    local line = table.concat(argv, " ")
    if line:find("is-active", 1, true) then return self.active and "" or nil, "", "EFAILED" end
    self.commands[#self.commands + 1] = line
    if self.on_run then self:on_run(line) end
    return ""
  end
  return world
end

local function leased(suffix, left)
  return { address = P .. suffix .. "/128", scope = "global", valid_lft = left or 400, preferred_lft = left or 400,
    noprefixroute = true }
end

local function advertised() return { gateway = GATEWAY, metric = 1024, protocol = "ra" } end

local STEP = { kind = "link", link = "ens5", address = P .. "1:1", gateway = GATEWAY, metric = 512, managed = true }

-- What the steps after this one leave behind.
local function configure(kernel)
  kernel.list = { { address = P .. "1:1/64", scope = "global" } }
  kernel.default = { { gateway = GATEWAY, metric = 512, protocol = "static" }, advertised() }
end

local function texts(kernel)
  local list = {}
  for i, record in ipairs(kernel.list) do list[i] = record.address:sub(#P + 1) .. " " .. tostring(record.valid_lft) end
  table.sort(list)
  return table.concat(list, ", ")
end

describe("a link's way back", function()
  local kernel, world

  local function start(on_time)
    kernel = new_kernel({ leased "1:1", leased "8" }, { advertised() })
    world = new_world(kernel, on_time)
    local old = assert(link.before(STEP, world))
    configure(kernel)
    return old
  end

  it("puts leases back at once, with the time that they have left", function()
    local old = start()
    world.active = false
    world.tasks.sleep(150)
    assert.is_true(link.undo(old, world))
    assert.equal("1:1/128 250, 8/128 250", texts(kernel))
    assert.is_true(kernel.list[1].nodad)
    assert.same({ advertised() }, kernel.default)
  end)

  it("lets a lease that has run out stand until it is taken anew", function()
    local old = start()
    world.active = false
    world.tasks.sleep(600)
    assert.is_true(link.undo(old, world))
    assert.equal("1:1/128 60, 8/128 60", texts(kernel))
  end)

  it("takes away an address that was not there, and gives back one that was for good", function()
    kernel = new_kernel({ { address = P .. "7/64", scope = "global" } }, { advertised() })
    world = new_world(kernel)
    local old = assert(link.before(STEP, world))
    configure(kernel)
    assert.is_true(link.undo(old, world))
    assert.equal("7/64 nil", texts(kernel))
  end)

  it("puts back what networkd drops meanwhile, and waits until networkd rests", function()
    local old = start(function(it, elapsed)
      it.state = elapsed < 3 and "configuring" or "configured"
      if elapsed > 1 and not it.dropped then it.dropped, kernel.list = true, {} end
    end)
    assert.is_true(link.undo(old, world))
    assert.equal(2, #kernel.list)
    assert.is_true(world.tasks.now() >= 1003 and world.tasks.now() < 1006)
  end)

  it("keeps a way out until the router's is advertised again", function()
    local seen
    local old = start(function(_, elapsed)
      if elapsed < 2 then
        seen = kernel:routes({ metric = 512 })[1]
      elseif #kernel:routes({ metric = 1024 }) == 0 then
        kernel:append_route(advertised())
      end
    end)
    kernel.default = {}
    assert.is_true(link.undo(old, world))
    assert.equal(GATEWAY, seen.gateway)
    assert.same({ advertised() }, kernel.default)
  end)

  it("starts networkd anew once, where it has given the link up", function()
    local old = start()
    world.state = "failed"
    function world:on_run() self.state = "configured" end
    assert.is_true(link.undo(old, world))
    assert.equal(1, #world.commands)
    assert.matches("restart systemd%-networkd", world.commands[1])
  end)

  it("says what is not as it was, and how to mend it", function()
    local old = start()
    world.state = "configuring"
    local ok, message, code = link.undo(old, world)
    assert.is_nil(ok)
    assert.equal("EROLLBACK", code)
    assert.matches("ens5 in the state configuring.*networkctl reconfigure ens5, then configure.lua rollback", message)
    assert.equal("1:1/128 400, 8/128 400", texts(kernel):gsub("3[67]%d", "400"))
    world.state = "configured"
    configure(kernel)
    kernel.refused[P .. "8/128"] = true
    message = select(2, link.undo(old, world))
    assert.matches(P .. "8/128 on ens5: not now", message, 1, true)
  end)
end)
