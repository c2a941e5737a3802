local packages = require("eni6.host.packages")

local DOCKERS = "9DC858229FC7DD38854AE2D88D81803C0EBFCD88"

-- A machine whose repository sends a key and whose gpg sees these keys in it.
local function machine(options)
  local lines = {}
  for _, fingerprint in ipairs(options.keys or { DOCKERS }) do
    lines[#lines + 1] = "pub:-:4096:1:8D81803C0EBFCD88:1487788586:::-:::scESCA::::::23::0:"
    lines[#lines + 1] = "fpr:::::::::" .. fingerprint .. ":"
    lines[#lines + 1] = "sub:-:4096:1:7EA0A9C3F273FCD8:1487788586::::::s::::::23:"
    lines[#lines + 1] = "fpr:::::::::D3306A018370199E527AE7997EA0A9C3F273FCD8:"
  end
  local self = { asked = {} }
  function self.read() return options.os or 'ID=debian\nVERSION_CODENAME="bookworm"\n' end
  self.http = { request = function(_, request)
    self.asked[#self.asked + 1] = request.url
    return { status = options.status or 200, body = "KEY" }
  end }
  self.process = { run = function(request)
    if options.no_gpg then return { status = 127, stdout = "" } end
    assert(request.input == "KEY" and request.argv[3]:find("gpg ", 1, true))
    return { status = options.keys and #options.keys == 0 and 2 or 0, stdout = table.concat(lines, "\n") .. "\n" }
  end }
  return self
end

local function refused(options)
  local install, message, code = packages.prepare(machine(options), "docker")
  assert.is_nil(install)
  return code, message
end

describe("packages", function()
  it("installs the distribution's Docker over IPv6", function()
    local steps = packages.steps(assert(packages.prepare({}, "distribution")))
    assert.equal("env DEBIAN_FRONTEND=noninteractive apt-get -q -y -o Acquire::ForceIPv6=true install docker.io",
      table.concat(steps[#steps].argv, " "))
  end)

  it("takes Docker's repository with the pinned key, and that alone", function()
    local world = machine({})
    local steps = packages.steps(assert(packages.prepare(world, "docker")))
    assert.same({ "https://download.docker.com/linux/debian/gpg" }, world.asked)
    assert.equal("KEY", steps[1].text)
    assert.truthy(steps[2].text:find("URIs: https://download.docker.com/linux/debian\nSuites: bookworm\nComponents: stable\n"
      .. "Signed-By: " .. steps[1].path, 1, true), steps[2].text)
    assert.equal("install docker-ce", steps[4].text)
  end)

  it("refuses another key, or one more beside it", function()
    local other = ("0"):rep(40)
    local code, message = refused({ keys = { other } })
    assert.equal("EKEYREJECTED", code)
    assert.truthy(message:find(other .. ", not Docker's " .. DOCKERS, 1, true), message)
    assert.equal("EKEYREJECTED", (refused({ keys = { DOCKERS, other } })))
    assert.equal("EBADMSG", (refused({ keys = {} })))
  end)

  it("says what is missing", function()
    assert.equal("ENOENT", (refused({ no_gpg = true })))
    assert.equal("ENOTSUP", (refused({ os = 'ID="amzn"\n' })))
    assert.equal("EPROTO", (refused({ status = 404 })))
  end)

  it("reads fingerprints as the real gpg prints them", function()
    local process = require("eni6.process")
    if not process.run({ argv = { "gpg", "--version" } }) then
      pending("needs gpg")
      return
    end
    local home = os.tmpname()
    os.remove(home)
    local made = assert(process.run({ timeout = 60, argv = { "sh", "-ec", [[
      mkdir -m 700 "$1"; export GNUPGHOME="$1"
      gpg --batch --quiet --passphrase '' --quick-generate-key test@example ed25519 sign never
      gpg --batch --with-colons --fingerprint test@example | sed -n 's/^fpr:*\(.*\):$/\1/p' | head -n 1
      gpg --batch --armor --export test@example
      gpgconf --kill all; rm -rf "$1"]], "sh", home } }))
    assert.equal(0, made.status, made.stderr)
    local fingerprint, key = made.stdout:match("^(%x+)\n(.*)$")
    assert.same({ fingerprint }, packages.fingerprints({ process = process }, key))
  end)
end)
