local process = require "eni6.process"
local program = require "support.program"

-- Runs a Lua script where the only name server takes questions and never answers.
local function run_with_mute_name_server(script)
  local argv, env = program(script)
  return assert(process.run {
    argv = { "unshare", "--map-root-user", "--mount", "--net", "sh", "-c", [[
      ip link set lo up
      conf=$(mktemp) && echo 'nameserver 127.0.0.1' >"$conf" && mount --bind "$conf" /etc/resolv.conf && rm "$conf"
      mkfifo "$conf"
      /usr/bin/python3 -c 'if True:
        import signal, socket, sys
        server = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        server.bind(("127.0.0.1", 53))
        open(sys.argv[1], "w").close()
        signal.pause()' "$conf" &
      read -r _ <"$conf"
      rm "$conf"
      "$@"
      status=$?
      kill $!
      exit $status]], "sh", table.unpack(argv) },
    env = env, timeout = 60,
  })
end

describe("a name server that does not answer", function()
  it("holds up neither a time limit nor a cancel nor a close nor the program's end", function()
    local result = run_with_mute_name_server [[
      local http, tasks = require "eni6.http", require "eni6.tasks"
      local client = http.new { getenv = function() end }
      local started = tasks.now()
      local function begin(name)
        local transfer = assert(client:start { url = "http://" .. name .. ".example/" })
        for _ = 1, 3 do
          tasks.poll({ { client:pollfd(), "r" } }, 0.02)
          client:step()
        end
        return transfer
      end
      local cancelled = begin "one"
      cancelled:cancel()
      print(select(3, cancelled:result()), select(4, cancelled:result()).sent)
      local _, _, code, detail = client:request { url = "http://two.example/", connect_timeout = 0.1 }
      print(code, detail.sent)
      begin "three"
      client:close()
      print(tasks.now() - started < 3)]]
    assert.equal("ECANCELED\tfalse\nETIMEDOUT\tfalse\ntrue\n", result.stdout, result.stderr)
    assert.equal(0, result.status)
  end)
end)
