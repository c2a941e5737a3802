-- Docker's engine as it should not be: hung, failing, talking nonsense, away, or not
-- for us.
local docker = require("eni6.docker")
local fake_engine = require("support.fake_engine")
local process = require("eni6.process")

local NONSENSE = { "", "<html>", '"text"', "null", "7", '{"Id":', "[1,2" }

describe("docker, badly served,", function()
  local engine

  after_each(function()
    if engine then engine:stop() end
    engine = nil
  end)

  local function client(script, options)
    engine = fake_engine.start(script)
    options = options or {}
    options.socket = engine.socket
    return docker.new(options)
  end

  local function refused(wanted_code, words, ok, message, code)
    assert.is_nil(ok)
    assert.equal(wanted_code, code, message)
    assert.truthy(message:find(words, 1, true), message)
    return message
  end

  it("gives up on an engine that hangs, and says where to look", function()
    local one = client({ ["GET /_ping"] = { { hang = true } }, ["GET /version"] = { { hang = true } } }, { timeout = 0.3 })
    refused("ETIMEDOUT", "journalctl -u docker", one:ping())
    refused("ETIMEDOUT", engine.socket, one:version())
  end)

  it("passes on what a failing engine says", function()
    local one = client({
      ["GET /version"] = { { status = 500, body = '{"message":"disk full"}' }, { status = 503, body = "<html>sorry</html>" },
        { status = 500 }, { status = 403, body = "{}" } },
      ["POST /containers/x/start"] = { { status = 409, body = '{"message":"is marked for removal"}' } },
    })
    refused("ServerError", "Docker refused GET /version: disk full", one:version())
    refused("ServerError", "<html>sorry</html>", one:version())
    refused("ServerError", "status 500", one:version())
    refused("Forbidden", "status 403", one:version())
    refused("Conflict", "is marked for removal", one:start("x"))
  end)

  it("takes no nonsense for an answer", function()
    local answers = {}
    for i, body in ipairs(NONSENSE) do answers[i] = { body = body } end
    local one = client({ ["GET /version"] = answers })
    for _ in ipairs(NONSENSE) do refused("EPROTO", "what is not", one:version()) end
  end)

  it("is not led on by what is not HTTP, or ends too early", function()
    local one = client({
      ["GET /version"] = { { raw = "SSH-2.0-OpenSSH_9.2\r\n" }, { raw = "" }, { body = '{"Version":', cut = true } },
    })
    for _ = 1, 3 do
      local ok, message, code = one:version()
      assert.is_nil(ok)
      assert.truthy(message:find("Docker at " .. engine.socket, 1, true), message)
      assert.is_string(code)
    end
  end)

  it("says how to start an engine that is away", function()
    local one = client({})
    engine:kill()
    refused("ECONNREFUSED", "systemctl start docker", one:ping())
    os.remove(engine.socket)
    refused("ENOENT", "configure.lua --install-docker", one:ping())
  end)

  it("says who may use the socket", function()
    client({})
    assert(os.execute("chmod 711 " .. engine.folder .. "; chmod 000 " .. engine.socket))
    local argv, env = require("support.program")(string.format(
      'local _, message, code = require("eni6.docker").new({ socket = %q }):ping() io.write(code, " ", message)', engine.socket))
    local id = assert(process.run({ argv = { "id", "-u" } })).stdout
    if id == "0\n" then argv = { "setpriv", "--reuid", "65534", "--clear-groups", table.unpack(argv) } end
    local result = assert(process.run({ argv = argv, env = env }))
    assert.matches("^EACCES .*run as root or join the group docker", result.stdout .. result.stderr)
  end)

  it("follows a pull whose progress comes in pieces", function()
    local one = client({ ["POST /images/create"] = {
      { chunks = { '{"status":"Pull', 'ing","id":"latest"}\r\n{"sta', 'tus":"Done"}' } } } })
    local seen = {}
    assert.is_true(one:pull("a/b", function(event) seen[#seen + 1] = event.status end))
    assert.same({ "Pulling", "Done" }, seen)
    assert.equal("POST /images/create?fromImage=a%2Fb%3Alatest ", engine:request())
  end)

  it("believes no pull that ends in an error, or in the middle", function()
    local one = client({ ["POST /images/create"] = {
      { body = '{"status":"Pulling"}\n{"errorDetail":{"message":"no space"},"error":"no space"}\n' },
      { status = 404, body = '{"message":"manifest unknown"}' },
      { body = '{"status":"Pulling"}\n', cut = true },
      { status = 500, body = "out of order" },
    } })
    refused("ServerError", "no space", one:pull("a"))
    refused("NotFound", "manifest unknown", one:pull("a"))
    refused("ECONNRESET", "Docker at", one:pull("a"))
    refused("ServerError", "Docker refused POST /images/create", one:pull("a"))
  end)

  it("reads what it can of output that is cut off", function()
    local frame = string.pack(">Bxxx s4", 1, "out") .. string.pack(">Bxxx s4", 2, "err")
    local one = client({
      ["GET /containers/x/json"] = { { body = '{"Config":{"Tty":false}}' }, { body = '{"Config":{"Tty":false}}' },
        { body = '{"Config":{"Tty":true}}' } },
      ["GET /containers/x/logs"] = { { body = frame }, { body = frame:sub(1, -2) }, { body = "as it is" } },
    })
    assert.same({ stdout = "out", stderr = "err" }, one:logs("x"))
    assert.same({ stdout = "out", stderr = "er" }, one:logs("x"))
    assert.same({ stdout = "as it is", stderr = "" }, one:logs("x", { tail = 3 }))
  end)
end)

describe("containers, badly served,", function()
  local containers = require("eni6.host.containers")
  local engine

  after_each(function() engine:stop() end)

  local BRIDGE = { body = '{"EnableIPv6":true,"IPAM":{"Config":[{"Subnet":"172.17.0.0/16"},{"Subnet":"2001:db8::8/126"}]}}' }

  local function world(script)
    engine = fake_engine.start(script)
    return { docker = docker.new({ socket = engine.socket }) }
  end

  it("are not started where Docker has no block", function()
    for _, body in ipairs({ '{"EnableIPv6":false,"IPAM":{"Config":null}}', '{"EnableIPv6":true,"IPAM":{}}',
      '{"EnableIPv6":true,"IPAM":{"Config":[{"Subnet":"172.17.0.0/16"}]}}' }) do
      local _, message, code = containers.run(world({ ["GET /networks/bridge"] = { { body = body } } }), { image = "a" })
      assert.equal("ENOADDRESS", code, message)
      assert.matches("run: lua scripts/configure.lua", message)
      engine:stop()
    end
    engine = fake_engine.start({})
  end)

  it("are taken away again when they do not start", function()
    local one = world({ ["GET /networks/bridge"] = { BRIDGE }, ["GET /images/a/json"] = { { body = "{}" } },
      ["POST /containers/create"] = { { body = '{"Id":"123"}' } },
      ["POST /containers/123/start"] = { { status = 500, body = '{"message":"no such program"}' } },
      ["DELETE /containers/123"] = { { status = 204 } } })
    local _, message, code = containers.run(one, { image = "a", name = "n" })
    assert.equal("ServerError", code)
    assert.matches("no such program", message)
    for _ = 1, 4 do engine:request() end
    assert.equal("DELETE /containers/123?force=1 ", engine:request())
  end)

  it("name another registry when a pull fails for want of IPv6, and try all the same", function()
    local script = { ["GET /networks/bridge"] = { BRIDGE }, ["POST /images/create"] = { { status = 500,
      body = '{"message":"dial tcp: no route"}' } } }
    local notes = {}
    local options = { image = "ghcr.io/a/b", on_note = function(text) notes[#notes + 1] = text end,
      resolve = function(name) return name == "quay.io" and { "2001:db8::1" } or {} end }
    local _, message, code = containers.run(world(script), options)
    assert.equal("ServerError", code)
    assert.matches("no route %(ghcr.io has no IPv6 address.*quay.io has one", message)
    assert.equal(1, #notes)
  end)

  -- An engine that starts a container, which then is in these states one after another.
  local function started(...)
    local answers = {}
    for i, state in ipairs({ ... }) do
      answers[i] = { body = ('{"Id":"123","Name":"/n","Config":{"Image":"a"},"State":{"Status":"%s"},"NetworkSettings":'
        .. '{"Networks":{"bridge":{"GlobalIPv6Address":"%s"}}}}'):format(state, state == "running" and "2001:db8::a" or "") }
    end
    return world({ ["GET /networks/bridge"] = { BRIDGE }, ["GET /images/a/json"] = { { body = "{}" } },
      ["POST /containers/create"] = { { body = '{"Id":"123"}' } }, ["POST /containers/123/start"] = { { status = 204 } },
      ["GET /containers/123/json"] = answers })
  end

  it("are reported when they end before or right after they had an address", function()
    for _, states in ipairs({ { "exited" }, { "running", "exited" } }) do
      local _, message, code = containers.run(started(table.unpack(states)), { image = "a" })
      assert.equal("EFAILED", code)
      assert.matches("the container n was started and is exited already; see: docker logs n", message)
      engine:stop()
    end
    assert.equal("2001:db8::a", containers.run(started("running"), { image = "a" }).address)
  end)

  it("are each stopped though one of them is not there", function()
    local one = world({ ["POST /containers/b/stop"] = { { status = 204 } }, ["DELETE /containers/b"] = { { status = 204 } },
      ["POST /containers/a/stop"] = { { status = 404, body = '{"message":"No such container: a"}' } } })
    local _, message, code = containers.stop(one, { "a", "b" })
    assert.equal("NotFound", code)
    assert.matches("No such container: a", message)
    for _ = 1, 2 do engine:request() end
    assert.matches("^DELETE /containers/b%?force=1", engine:request())
  end)
end)
