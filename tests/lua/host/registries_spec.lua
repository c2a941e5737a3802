-- Which registry an image is at, and what to do where that has no IPv6 address.
local registries = require("eni6.host.registries")
local resolver = require("eni6.host.resolver")

-- A resolver that knows the IPv6 addresses of these names, and of no other.
local function knowing(...)
  local known = {}
  for _, name in ipairs({ ... }) do known[name] = { "2001:db8::1" } end
  return function(name) return known[name] or {} end
end

describe("registries", function()
  it("finds the registry in an image's name as Docker does", function()
    local cases = {
      ["nginx"] = "docker.io library/nginx",
      ["nginx:1.27"] = "docker.io library/nginx:1.27",
      ["owner/name"] = "docker.io owner/name",
      ["docker.io/nginx"] = "docker.io library/nginx",
      ["index.docker.io/owner/name"] = "docker.io owner/name",
      ["ghcr.io/owner/name@sha256:00"] = "ghcr.io owner/name@sha256:00",
      ["localhost/name"] = "localhost name",
      ["localhost:5000/name"] = "localhost:5000 name",
      ["[2001:db8::1]:5000/name"] = "[2001:db8::1]:5000 name",
    }
    for image, wanted in pairs(cases) do assert.equal(wanted, table.concat({ registries.parse(image) }, " ")) end
  end)

  it("is content with a registry that has an IPv6 address, or none to look up", function()
    assert.is_true(registries.check({}, "nginx", knowing("registry-1.docker.io", "auth.docker.io")))
    assert.is_true(registries.check({}, "quay.io/a/b", knowing("quay.io")))
    for _, image in ipairs({ "localhost:5000/a", "127.0.0.1:5000/a", "[::1]:5000/a" }) do
      assert.is_true(registries.check({}, image, knowing()))
    end
  end)

  it("names the same image where it can be had", function()
    local cases = {
      { "nginx:1", "registry%-1.docker.io has no .* as ecr%-public.aws.com/docker/library/nginx:1$", "ecr-public.aws.com" },
      { "nginx", "as mirror.gcr.io/library/nginx$", "mirror.gcr.io", "registry-1.docker.io" },
      { "a/b", "as mirror.gcr.io/a/b$", "mirror.gcr.io", "ecr-public.aws.com" },
      { "public.ecr.aws/a/b:2", "as ecr%-public.aws.com/a/b:2$", "ecr-public.aws.com" },
      { "1234.dkr.ecr.eu-west-1.amazonaws.com/a", "as 1234.dkr%-ecr.eu%-west%-1.on.aws/a$", "1234.dkr-ecr.eu-west-1.on.aws" },
    }
    for _, case in ipairs(cases) do
      local ok, message, code = registries.check({}, case[1], knowing(table.unpack(case, 3)))
      assert.is_nil(ok)
      assert.matches(case[2], message)
      assert.equal("ENOIPV6", code)
    end
  end)

  it("never takes another owner's image for the same, but names a place for a copy", function()
    local _, message = registries.check({}, "ghcr.io/a/b", knowing("registry-1.docker.io", "auth.docker.io"))
    assert.matches("^ghcr.io has no IPv6 address.*docker.io has one: push a copy there", message)
    _, message = registries.check({}, "ghcr.io/a/b", knowing())
    assert.matches("look at /etc/resolv.conf", message)
  end)

  it("passes on a resolver that fails", function()
    local _, message, code = registries.check({}, "nginx", function() return nil, "no answer", "ETIMEDOUT" end)
    assert.same({ "no answer", "ETIMEDOUT" }, { message, code })
  end)
end)

describe("resolver", function()
  local function answering(text, status)
    local asked
    return { process = { run = function(options)
      asked = options.argv
      return { status = status or 0, stdout = text, stderr = "" }
    end } }, function() return asked end
  end

  it("reads what getent prints, IPv4 addresses left out", function()
    local world, asked = answering("2001:db8::7     STREAM a.example\n2001:db8::7     DGRAM\n2001:db8::8     RAW\n"
      .. "::ffff:192.0.2.1 STREAM a.example\n")
    assert.same({ "2001:db8::7", "2001:db8::8" }, resolver.ipv6(world, "a.example"))
    assert.same({ "getent", "ahostsv6", "a.example" }, asked())
    assert.same({}, resolver.ipv6(answering("", 2), "none.example"))
  end)

  it("asks this machine's own resolver", function()
    local world = require("eni6.host.world").new()
    assert.same({ "::1" }, resolver.ipv6(world, "::1"))
    assert.same({}, resolver.ipv6(world, "192.0.2.1"))
    assert.same({}, resolver.ipv6(world, "no-such-name.invalid"))
  end)
end)
