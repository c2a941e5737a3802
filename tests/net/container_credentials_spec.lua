-- run: lua5.4
-- A container's credentials servers at their real addresses: ECS's by a path, EKS's over IPv6 with a token in a file.
local netns = require "support.netns"
local process = require "eni6.process"
local program = require "support.program"

local SERVER = [[
import http.server, json, socket, sys, threading
class Handler(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        body = json.dumps({"AccessKeyId": "ASIA" + self.path.strip("/").upper(), "SecretAccessKey": "made-up",
            "Token": self.headers.get("Authorization", "none"), "Expiration": "2099-01-01T00:00:00Z"}).encode()
        self.send_response(200)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)
    def log_message(self, *arguments): pass
class Server6(http.server.HTTPServer):
    address_family = socket.AF_INET6
servers = [http.server.HTTPServer(("169.254.170.2", 80), Handler), Server6(("fd00:ec2::23", 80), Handler)]
for server in servers: threading.Thread(target=server.serve_forever, daemon=True).start()
print("ready", flush=True)
sys.stdin.read()
]]

local CLIENT = [[
local settings = assert(require("eni6.aws.config").load {})
local found = assert(require("eni6.aws.credentials").resolve { settings = settings })
local keys = assert(found:get())
print(found.method, keys.access_key_id, keys.session_token)
]]

describe("container credentials", function()
  local name, server

  setup(function()
    name = netns.new()
    netns.shell(name, "ip address add 169.254.170.2/32 dev lo; ip -6 address add fd00:ec2::23/128 dev lo nodad")
    server = assert(process.spawn { argv = { "/usr/bin/python3", "-c", SERVER }, netns = "/run/netns/" .. name, stdin = "pipe",
      stdout = "pipe", die_with_parent = true })
    assert.equal("ready", server:read_line(20))
  end)

  teardown(function()
    server:stop()
    server:close()
    netns.clean()
  end)

  local function ask(env)
    local argv, surroundings = program(CLIENT)
    for key, value in pairs(surroundings) do env[key] = value end
    env.HOME, env.http_proxy = "/nonexistent", "http://192.0.2.1:1"
    local result = assert(process.run { argv = argv, netns = "/run/netns/" .. name, env = env, timeout = 30 })
    return result.stdout .. result.stderr
  end

  it("come from ECS's address", function()
    assert.equal("container-role\tASIATASK\tnone\n", ask { AWS_CONTAINER_CREDENTIALS_RELATIVE_URI = "/task" })
  end)

  it("come from EKS's address over IPv6", function()
    local path = os.tmpname()
    assert(require("eni6.filesystem").replace(path, "a-pod's-token"))
    assert.equal("container-role\tASIAPOD\ta-pod's-token\n", ask {
      AWS_CONTAINER_CREDENTIALS_FULL_URI = "http://[fd00:ec2::23]/pod", AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE = path })
    os.remove(path)
  end)
end)
