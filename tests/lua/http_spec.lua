local http = require "eni6.http"
local servers = require "support.servers"
local descriptors = require "support.descriptors"
local process = require "eni6.process"
local program = require "support.program"
local tasks = require "eni6.tasks"

local nothing = function() end -- an empty environment

local function new(options)
  options = options or {}
  options.getenv = options.getenv or nothing
  return assert(http.new(options))
end

local server, client, certificates

setup(function()
  server = servers.start()
  certificates = servers.certificates()
end)
teardown(function() servers.stop_all() end)
before_each(function() client = new() end)
after_each(function() client:close() end)

local function get(path, options)
  local request = { url = server.url .. path }
  for key, value in pairs(options or {}) do request[key] = value end
  return client:request(request)
end

-- The code of a request that must fail, and whether anything was sent.
local function failure(...)
  local response, message, code, detail = ...
  assert.is_nil(response)
  assert.is_string(message)
  return code, detail.sent, message
end

-- How often the server got a request for the path; asked over a connection of its own.
local function seen(path)
  local asking = new()
  local count = servers.stats(asking, server).seen[path]
  asking:close()
  return count or 0
end

describe("what is sent", function()
  it("is what was given, in its order, and Host", function()
    local response = assert(get("/raw/../x/./y?b=1&a=%2F&c", {
      headers = { { "X-Zulu", "1" }, { "x-alpha", "" }, { "X-Zulu", "2" }, { "Accept", "x/y" }, { "User-Agent", "me" } },
    }))
    local host = server.url:match("//(.*)")
    assert.equal("GET /raw/../x/./y?b=1&a=%2F&c HTTP/1.1\r\nHost: " .. host .. "\r\n" ..
      "X-Zulu: 1\r\nx-alpha:\r\nX-Zulu: 2\r\nAccept: x/y\r\nUser-Agent: me\r\n\r\n", response.body)
  end)

  it("has nothing of libcurl's own for any method", function()
    for _, case in ipairs {
      { "GET", nil, "" }, { "DELETE", nil, "" }, { "POST", nil, "Content-Length: 0\r\n" },
      { "PUT", nil, "Content-Length: 0\r\n" }, { "POST", "a=b", "Content-Length: 3\r\n" },
      { "PATCH", "\0\r\n", "Content-Length: 3\r\n" }, { "GET", "odd", "Content-Length: 3\r\n" },
      { "DELETE", "", "Content-Length: 0\r\n" },
    } do
      local response = assert(get("/raw", { method = case[1], body = case[2], headers = { { "Host", "given" } } }))
      assert.equal(case[1] .. " /raw HTTP/1.1\r\nHost: given\r\n" .. case[3] .. "\r\n" .. (case[2] or ""), response.body)
    end
  end)

  it("may be a body of megabytes, at once", function()
    local body = ("x"):rep(3000000)
    local response = assert(get("/raw", { method = "POST", body = body }))
    assert.equal(body, response.body:match("\r\n\r\n(.*)"))
    assert.is_nil(response.body:find("Expect", 1, true))
  end)

  it("is nothing when a header or the URL is malformed", function()
    for _, case in ipairs {
      { headers = { { "A\nB", "x" } } }, { headers = { { "", "x" } } }, { headers = { { "A:", "x" } } },
      { headers = { { "A", "x\r\nEvil: y" } } }, { method = "GET /x" }, { method = "" },
      { url = "" }, { url = "http://[::x/" }, { url = "http://user:password@127.0.0.1/" }, { url = "//x" },
    } do
      local code, sent, message = failure(get("/raw", case))
      assert.equal("EINVAL", code)
      assert.is_false(sent)
      assert.is_nil(message:find("password", 1, true))
    end
    assert.equal("EPROTONOSUPPORT", (failure(get("", { url = "file:///etc/passwd" }))))
    assert.equal("EPROTONOSUPPORT", (failure(get("", { url = "ftp://127.0.0.1/x" }))))
  end)
end)

describe("an answer", function()
  it("has its headers in order, repeats, folded and empty ones too", function()
    local response = assert(get("/headers"))
    assert.same({
      { "Content-Length", "0" }, { "X-One", "1" }, { "x-two", "2" }, { "X-One", "3" }, { "X-Empty", "" },
      { "X-Folded", "a b" }, { "X-Colon", "a:b" },
    }, response.headers)
    assert.equal("1", response:header("x-one"))
    assert.equal("2", response:header("X-TWO"))
    assert.is_nil(response:header("X-Three"))
    assert.equal("1.1", response.http_version)
  end)

  it("may have any status, and redirects are not followed", function()
    for _, status in ipairs { 200, 204, 304, 400, 404, 500, 503 } do
      assert.equal(status, get("/status/" .. status).status)
    end
    local response = get("/redirect")
    assert.equal(302, response.status)
    assert.equal("/raw", response:header("Location"))
  end)

  it("comes after interim ones, without their headers", function()
    local response = assert(get("/interim"))
    assert.equal("final", response.body)
    assert.equal("yes", response:header("X-Final"))
    assert.is_nil(response:header("Link"))
  end)

  it("may be chunked, with trailers, or last until the connection closes", function()
    local response = assert(get("/drip/3/0"))
    assert.equal("chunk 0\nchunk 1\nchunk 2\n", response.body)
    assert.is_nil(response:header("Trailer-Field"))
    response = assert(get("/untilclose"))
    assert.equal("all of it", response.body)
    assert.equal("1.0", response.http_version)
  end)

  it("to HEAD has no body", function()
    local response = assert(get("/size/100", { method = "HEAD" }))
    assert.equal("", response.body)
    assert.equal("100", response:header("Content-Length"))
  end)

  it("is refused when it is larger than allowed", function()
    assert.equal(1000, #get("/size/1000", { max_body = 1000 }).body)
    assert.equal("EMSGSIZE", (failure(get("/size/1001", { max_body = 1000 }))))
    local code, sent, message = failure(get("/flood", { max_body = 1000 }))
    assert.equal("EMSGSIZE", code)
    assert.is_true(sent)
    assert.matches("exceeds 1000 bytes", message)
    assert.equal("EMSGSIZE", (failure(get("/manyheaders/400"))))
  end)
end)

describe("a failure", function()
  it("has a code, and says whether the server may have got the request", function()
    for path, wanted in pairs {
      ["/drop"] = "ECONNRESET", ["/dropchunk"] = "ECONNRESET", ["/silence"] = "ECONNRESET", ["/reset"] = "ECONNRESET",
      ["/garbage"] = "EPROTO", ["/badheader"] = "EPROTO",
    } do
      local code, sent, message = failure(get(path, { method = "POST", body = "x" }))
      assert.equal(wanted, code, path)
      assert.is_true(sent)
      assert.truthy(message:find("127.0.0.1:" .. server.port, 1, true))
    end
  end)

  it("of a connection never sent anything", function()
    local port = servers.free_port()
    local code, sent, message = failure(client:request { url = "http://127.0.0.1:" .. port })
    assert.equal("ECONNREFUSED", code)
    assert.equal("127.0.0.1:" .. port .. ": cannot connect: Connection refused", message)
    assert.is_false(sent)
    code, sent = failure(client:request { url = "http://nowhere.invalid/" })
    assert.equal("ERESOLVE", code)
    assert.is_false(sent)
    code, sent = failure(client:request { url = "http://docker/", unix_socket = "/nowhere/docker.sock" })
    assert.equal("ENOENT", code)
    assert.is_false(sent)
  end)

  it("is the request's own, not that of one before it", function()
    local function after(url, options)
      options = options or {}
      options.url = url
      local code = failure(client:request(options))
      for _, path in ipairs { "/drop", "/silence", "/reset" } do
        assert.equal("ECONNRESET", (failure(get(path, { method = "POST", body = "x" }))))
      end
      return code
    end
    assert.equal("ECONNREFUSED", after("http://127.0.0.1:" .. servers.free_port()))
    local full = servers.full_port()
    for _ = 1, 10 do -- libcurl's own timer and the kernel's answer race
      assert.equal("ETIMEDOUT", after("http://127.0.0.1:" .. full, { connect_timeout = 0.002 }))
    end
  end)

  it("comes in time: no answer, half an answer, no handshake", function()
    local before = tasks.now()
    local code, sent, message = failure(get("/delay/30", { timeout = 0.2 }))
    assert.equal("ETIMEDOUT", code)
    assert.is_true(sent)
    assert.matches("no complete answer within 0.2 seconds", message)
    code, sent = failure(get("/drip/100/0.3", { timeout = 0.5 }))
    assert.equal("ETIMEDOUT", code)
    assert.is_true(sent)
    code, sent, message = failure(get("/x", { url = server.url:gsub("http", "https"), connect_timeout = 0.2 }))
    assert.equal("ETIMEDOUT", code)
    assert.is_false(sent)
    assert.matches("no connection within 0.2 seconds", message)
    assert.is_true(tasks.now() - before < 20)
  end)
end)

describe("connections", function()
  it("are kept and used again", function()
    local connection = get("/where").body:match("%d+")
    for count = 2, 20 do assert.equal(connection .. " " .. count, get("/where").body) end
  end)

  it("that the server closed meanwhile are replaced", function()
    assert(get("/leave"))
    tasks.sleep(0.05)
    assert.equal(200, get("/where", { method = "POST", body = "x" }).status)
  end)

  it("that break under a request carry no POST a second time", function()
    assert(get("/half"))
    local code, sent = failure(get("/half/post", { method = "POST", body = "x" }))
    assert.equal("ECONNRESET", code)
    assert.is_true(sent)
    assert.equal(1, seen("/half/post"))
  end)

  it("that break under a request carry a GET again, and a POST that is idempotent", function()
    assert(get("/half"))
    assert(get("/half/get"))
    assert.equal(2, seen("/half/get"))
    assert(get("/half/again", { method = "POST", body = "x", idempotent = true }))
    assert.equal(2, seen("/half/again"))
    assert.equal("ECONNRESET", (failure(get("/half/once", { idempotent = false }))))
    assert.equal(1, seen("/half/once"))
  end)

  it("are as many as are allowed, and the rest waits", function()
    client:close()
    client = new { max_connections = 2 }
    local before = servers.stats(client, server).seen.connections
    local transfers = {}
    for index = 1, 10 do transfers[index] = assert(client:start { url = server.url .. "/delay/0.02" }) end
    for _, transfer in ipairs(transfers) do
      tasks.await(transfer)
      assert.equal("late", transfer:result().body)
    end
    assert.is_true(servers.stats(client, server).seen.connections - before <= 2)
  end)

  it("that others hold are waited for within the time limit, and not beyond a cancel", function()
    client:close()
    client = new { max_connections = 1 }
    local holder = assert(client:start { url = server.url .. "/delay/60" })
    local queued = assert(client:start { url = server.url .. "/where" })
    local code, sent = failure(get("/queued", { timeout = 0.2 }))
    assert.equal("ETIMEDOUT", code)
    assert.is_false(sent)
    queued:cancel()
    assert.is_false(select(4, queued:result()).sent)
    holder:cancel()
    assert.equal(200, get("/where", { timeout = 5 }).status)
    assert.equal(0, seen("/queued"))
  end)

  it("carry 64 requests at once on one thread", function()
    local before = tasks.now()
    local transfers = {}
    for index = 1, 64 do transfers[index] = assert(client:start { url = server.url .. "/delay/0.5" }) end
    for _, transfer in ipairs(transfers) do
      tasks.await(transfer)
      assert.equal(200, transfer:result().status)
    end
    assert.is_true(tasks.now() - before < 16) -- half of what one after the other would take
  end)

  it("are not waited for while another is slow to answer", function()
    local tls = servers.start("--tls", certificates.good.certificate, certificates.good.key)
    local asking = new { ca_file = certificates.ca }
    for _, url in ipairs { server.url, tls.url } do
      local slow = assert(asking:start { url = url .. "/delay/60" })
      assert.equal(200, asking:request({ url = url .. "/where", timeout = 10 }).status)
      slow:cancel()
    end
    asking:close()
  end)

  it("go through a unix socket", function()
    local path = servers.directory() .. "/http.sock"
    servers.start("--unix", path)
    local response = assert(client:request { url = "http://docker/v1/x", unix_socket = path })
    assert.equal("GET /v1/x HTTP/1.1\r\nHost: docker\r\n\r\n", response.body)
    local fixed = new { unix_socket = path, proxy = "http://127.0.0.1:1" }
    assert.equal(200, fixed:request({ url = "http://docker/where" }).status)
    fixed:close()
  end)
end)

describe("TLS", function()
  local good, expired, other

  setup(function()
    good = servers.start("--tls", certificates.good.certificate, certificates.good.key)
    expired = servers.start("--tls", certificates.expired.certificate, certificates.expired.key)
    other = servers.start("--tls", certificates.other_host.certificate, certificates.other_host.key)
  end)

  local function ask(options, where)
    local asking = new(options)
    local response, message, code, detail = asking:request { url = where.url .. "/where" }
    asking:close()
    return response, message, code, detail
  end

  it("trusts what the given authority signed", function()
    assert.equal(200, ask({ ca_file = certificates.ca }, good).status)
  end)

  it("trusts a directory of authorities", function()
    local directory = servers.directory()
    assert(process.run { argv = { "cp", certificates.ca, directory } })
    assert.equal(0, process.run({ argv = { "openssl", "rehash", directory } }).status)
    assert.equal(200, ask({ ca_path = directory }, good).status)
    local environment = { SSL_CERT_DIR = directory }
    assert.equal(200, ask({ getenv = function(key) return environment[key] end }, good).status)
    assert.equal("ETLS", (failure(ask({ ca_path = "/nowhere" }, good))))
  end)

  it("trusts nothing else", function()
    for message, case in pairs {
      ["SSL certificate problem"] = { {}, good },
      ["certificate has expired"] = { { ca_file = certificates.ca }, expired },
      ["no alternative certificate subject name matches"] = { { ca_file = certificates.ca }, other },
    } do
      local code, sent, text = failure(ask(case[1], case[2]))
      assert.equal("ETLS", code)
      assert.is_false(sent)
      assert.matches(message, text)
    end
  end)

  it("names a file of certificates that is not there", function()
    local code, sent, message = failure(ask({ ca_file = "/nowhere/ca.pem" }, good))
    assert.equal("ETLS", code)
    assert.is_false(sent)
    assert.matches("/nowhere/ca.pem", message)
  end)

  it("takes the authority from the environment, and anything if told so", function()
    for _, name in ipairs { "AWS_CA_BUNDLE", "SSL_CERT_FILE", "REQUESTS_CA_BUNDLE" } do
      local environment = { [name] = certificates.ca }
      assert.equal(200, ask({ getenv = function(key) return environment[key] end }, good).status)
    end
    assert.equal(200, ask({ verify = false }, expired).status)
    assert.equal(200, ask({ verify = false }, other).status)
  end)

  it("fails with a server that does not speak it", function()
    local asking = new()
    local code, sent = failure(asking:request { url = "https://127.0.0.1:" .. server.port .. "/", connect_timeout = 0.3 })
    assert.truthy(code == "ETLS" or code == "ETIMEDOUT")
    assert.is_false(sent)
    asking:close()
  end)

  it("keeps its connections apart by whom they trust", function()
    local strict, lax = new { ca_file = certificates.ca }, new { verify = false }
    assert.equal(200, lax:request({ url = expired.url .. "/where" }).status)
    assert.equal("ETLS", (failure(strict:request { url = expired.url .. "/where" })))
    strict:close()
    lax:close()
  end)
end)

describe("HTTP/2", function()
  local h2

  setup(function()
    local directory = servers.directory()
    local file = assert(io.open(directory .. "/hello", "w"))
    file:write(("hello "):rep(10000))
    file:close()
    h2 = servers.start_http2(directory, certificates.good.key, certificates.good.certificate)
  end)

  -- How many connections nghttpd has seen so far: its log has their number in every line.
  local function connections()
    local most = 0
    local line = h2.child:read_line(0.2)
    while line do
      most = math.max(most, tonumber(line:match("^%[id=(%d+)%]") or 0))
      line = h2.child:read_line(0.2)
    end
    return most
  end

  it("is used where it is offered, many requests on one connection", function()
    local asking = new { ca_file = certificates.ca }
    local transfers = {}
    assert(asking:request { url = h2.url .. "/hello" })
    local before = connections()
    for index = 1, 50 do transfers[index] = assert(asking:start { url = h2.url .. "/hello" }) end
    for _, transfer in ipairs(transfers) do
      tasks.await(transfer)
      local response = assert(transfer:result())
      assert.equal("2", response.http_version)
      assert.equal(60000, #response.body)
    end
    assert.equal(before, connections())
    assert.equal(404, asking:request({ url = h2.url .. "/nothing" }).status)
    asking:close()
  end)
end)

describe("a proxy", function()
  local proxy, tls

  setup(function()
    proxy = servers.start("--proxy")
    tls = servers.start("--tls", certificates.good.certificate, certificates.good.key)
  end)

  local function through(environment, url, options)
    options = options or {}
    options.getenv = function(name) return environment[name] end
    options.ca_file = certificates.ca
    local asking = new(options)
    local response, message, code, detail = asking:request {
      url = url, headers = { { "Authorization", "secret" } }, timeout = 5, connect_timeout = 1,
    }
    asking:close()
    return response, message, code, detail
  end

  local function tunnels(name) return servers.stats(client, proxy).seen["tunnel " .. name] or 0 end

  it("tunnels https, and never sees the request's headers", function()
    local where = "localhost:" .. tls.port
    for _, name in ipairs { "HTTPS_PROXY", "https_proxy", "ALL_PROXY", "all_proxy" } do
      local before = tunnels(where)
      assert.equal(200, through({ [name] = proxy.url }, "https://" .. where .. "/x").status)
      assert.equal(before + 1, tunnels(where))
    end
    for _, head in ipairs(servers.stats(client, proxy).requests) do
      assert.is_nil(head:find("secret", 1, true))
    end
  end)

  it("answers http itself", function()
    local response = assert(through({ http_proxy = proxy.url }, "http://some.test/x"))
    assert.matches("^proxied http://some.test/x\n", response.body)
    response = assert(through({ HTTP_PROXY = proxy.url:gsub("http://", "") }, "http://some.test/x"))
    assert.matches("^proxied", response.body)
    assert.equal("ERESOLVE", (failure(through({ HTTP_PROXY = proxy.url, REQUEST_METHOD = "GET" }, "http://some.invalid/x"))))
  end)

  it("is passed by for the hosts of NO_PROXY, and when switched off", function()
    local url = server.url .. "/raw"
    local environment = { http_proxy = proxy.url, NO_PROXY = "example.com,127.0.0.1" }
    assert.matches("^GET /raw", through(environment, url).body)
    environment.NO_PROXY = "*"
    assert.matches("^GET /raw", through(environment, url).body)
    environment.NO_PROXY = "10.0.0.1"
    assert.matches("^proxied", through(environment, url).body)
    assert.matches("^GET /raw", through(environment, url, { proxy = false }).body)
    assert.matches("^GET /raw", through(environment, url, { no_proxy = "127.0.0.1" }).body)
  end)

  it("is given by the caller in place of the environment's", function()
    assert.matches("^proxied", through({ http_proxy = "http://127.0.0.1:1" }, "http://some.test/", { proxy = proxy.url }).body)
  end)

  it("that refuses, or is not there, has sent nothing to the server", function()
    local code, sent, message = failure(through({ https_proxy = proxy.url }, "https://forbidden.test/"))
    assert.equal("EPROTO", code)
    assert.is_false(sent)
    assert.matches("403", message)
    code, sent = failure(through({ https_proxy = "http://127.0.0.1:" .. servers.free_port() }, "https://some.test/"))
    assert.equal("ECONNREFUSED", code)
    assert.is_false(sent)
    code, sent = failure(through({ https_proxy = "http://nowhere.invalid:1" }, "https://some.test/"))
    assert.equal("ERESOLVE", code)
    assert.is_false(sent)
    code, sent = failure(through({ https_proxy = proxy.url }, "https://silent.test/"))
    assert.equal("ETIMEDOUT", code)
    assert.is_false(sent)
  end)

  it("with an unusable URL is refused, its password not shown", function()
    local url, message, code = http.new {
      getenv = function(name) return name == "HTTPS_PROXY" and "http://me:sesame@bad host" or nil end,
    }
    assert.is_nil(url)
    assert.equal("EINVAL", code)
    assert.equal("HTTPS_PROXY is not a proxy's URL, such as http://proxy.example:3128", message)
    local _, text = through({ https_proxy = "http://me:sesame@127.0.0.1:1:2:3" }, "https://some.test/")
    assert.is_nil(text:find("sesame", 1, true))
  end)

  it("of this program's real environment is not looked at", function()
    local script = [[
      local http = require "eni6.http"
      local client = http.new { getenv = function() end }
      local response, message = client:request { url = "]] .. server.url .. [[/where" }
      io.write(tostring(response and response.status or message))]]
    local argv, env = program(script)
    env.http_proxy, env.ALL_PROXY = "http://127.0.0.1:1", "http://127.0.0.1:1"
    local result = assert(process.run { argv = argv, env = env })
    assert.equal("200", result.stdout, result.stderr)
  end)
end)

describe("on_data", function()
  it("gets the body as it comes, with the head", function()
    local chunks, times = {}, {}
    local response = assert(get("/drip/3/0.1", {
      on_data = function(chunk, head)
        chunks[#chunks + 1] = chunk
        times[#times + 1] = tasks.now()
        assert.equal(200, head.status)
        assert.equal("chunked", head:header("Transfer-Encoding"))
      end,
    }))
    assert.equal("chunk 0\nchunk 1\nchunk 2\n", table.concat(chunks))
    assert.equal("", response.body)
    assert.is_true(#chunks >= 2 and times[#times] - times[1] >= 0.1)
  end)

  it("ends the transfer by returning false, or by raising", function()
    local count = 0
    local code, sent = failure(get("/flood", {
      on_data = function()
        count = count + 1
        return count < 3
      end,
    }))
    assert.equal("ECANCELED", code)
    assert.is_true(sent)
    assert.equal(3, count)
    local raised, _, message = failure(get("/flood", { on_data = function() error("oops", 0) end }))
    assert.equal("ECANCELED", raised)
    assert.equal("on_data failed: oops", message)
    assert.equal("ECANCELED", (failure(get("/size/10", { on_data = function() error(setmetatable({}, {})) end }))))
  end)

  it("may cancel the transfer, or close the client", function()
    local transfer
    transfer = assert(client:start { url = server.url .. "/flood", on_data = function() transfer:cancel() end })
    tasks.await(transfer)
    assert.equal("ECANCELED", select(3, transfer:result()))
    transfer = assert(client:start { url = server.url .. "/flood", on_data = function() client:close() end })
    local other = assert(client:start { url = server.url .. "/flood", on_data = function() end })
    while not transfer:done() do client:step() end
    assert.equal("ECANCELED", select(3, transfer:result()))
    assert.equal("ECANCELED", select(3, other:result()))
  end)

  it("that is slow holds the server back, and memory stays flat", function()
    local received, peak = 0, 0
    failure(get("/flood", {
      on_data = function(chunk)
        received, peak = received + #chunk, math.max(peak, #chunk)
        tasks.sleep(0.002)
        return received < 30000000
      end,
    }))
    assert.is_true(peak < 8000000, peak)
  end)
end)

describe("a transfer", function()
  it("is driven by a loop of the caller's", function()
    local transfer = assert(client:start { url = server.url .. "/delay/0.05" })
    assert.is_false(transfer:done())
    assert.has_error(function() transfer:result() end)
    while not transfer:done() do
      tasks.poll({ { client:pollfd(), client:events() } }, client:timeout())
      client:step()
    end
    assert.equal("late", transfer:result().body)
    assert.equal("late", transfer:result().body)
    transfer:cancel()
    assert.equal("late", transfer:result().body)
  end)

  it("can be cancelled at any moment", function()
    for steps = 0, 12 do
      local transfer = assert(client:start { url = server.url .. "/delay/5" })
      for _ = 1, steps do
        tasks.poll({ { client:pollfd(), "r" } }, 0.005)
        client:step()
      end
      transfer:cancel()
      transfer:cancel()
      local code = failure(transfer:result())
      assert.equal("ECANCELED", code)
    end
    assert.equal(200, get("/where").status)
  end)

  it("says of one cancelled before it was sent that it was not", function()
    local transfer = assert(client:start { url = server.url .. "/x" })
    transfer:cancel()
    local _, sent = failure(transfer:result())
    assert.is_false(sent)
  end)

  it("of a name that nobody resolves does not hold a cancel up", function()
    local before = tasks.now()
    local transfer = assert(client:start { url = "http://slow.resolver.invalid/" })
    client:step()
    transfer:cancel()
    assert.is_true(tasks.now() - before < 2)
  end)

  it("survives its client and the other way round", function()
    local before = descriptors()
    for order = 1, 3 do
      local own = new()
      local transfers = {}
      for index = 1, 5 do transfers[index] = assert(own:start { url = server.url .. "/delay/5" }) end
      own:step()
      if order == 1 then own:close() end
      if order == 2 then transfers = nil end
      own = nil -- luacheck: ignore
      collectgarbage()
      collectgarbage()
      if order == 1 then assert.equal("ECANCELED", select(3, transfers[1]:result())) end
    end
    assert.is_true(descriptors() <= before) -- fewer, if a name was still looked up before
  end)
end)

describe("over ten thousand requests", function()
  -- Kilobytes of memory that this process has in use.
  local function resident()
    local file = assert(io.open("/proc/self/statm"))
    local _, pages = file:read("n", "n")
    file:close()
    return pages * 4
  end

  local function some_that_fail(index)
    assert(client:start { url = server.url .. "/delay/60" }):cancel()
    assert.equal("EMSGSIZE", (failure(get("/size/3000", { max_body = 10 }))))
    assert.equal("ECONNRESET", (failure(get("/drop", { timeout = 60 }))))
    assert.equal("ETIMEDOUT", (failure(get("/delay/1", { timeout = 0.001 * index % 0.02 + 0.001 }))))
  end

  -- Some of everything, by 16 tasks at once.
  local function many(count)
    assert(tasks.group(function(group)
      for _ = 1, 16 do
        group:spawn("worker", function()
          for index = 1, count / 16 do
            assert(get("/size/3000", { timeout = 60 }))
            if index % 100 == 0 then some_that_fail(index) end
          end
        end)
      end
    end))
    collectgarbage()
    collectgarbage()
  end

  it("memory and descriptors stay flat", function()
    many(1600)
    local memory, open = resident(), descriptors()
    many(10000)
    assert.is_true(descriptors() <= open + 16) -- connections kept
    if not package.cpath:find("address", 1, true) then -- ASan keeps what is freed, and looks for leaks itself
      assert.is_true(resident() - memory < 2000, resident() - memory)
    end
  end)
end)

describe("a process without descriptors left", function()
  it("gets an error, and can go on when there are some", function()
    local argv, env = program([[
      local http = require "eni6.http"
      local client = http.new { getenv = function() end }
      local files = {}
      local function take_all()
        repeat
          local file = io.open("/dev/null")
          files[#files + 1] = file
        until not file
      end
      take_all()
      local _, message, code = client:request { url = "]] .. server.url .. [[/where" }
      print(code, message)
      take_all()
      print(select(3, http.new { getenv = function() end }))
      for _, file in ipairs(files) do file:close() end
      print(client:request { url = "]] .. server.url .. [[/where" }.status)]])
    local result = assert(process.run { argv = { "sh", "-c", 'ulimit -n 40; exec "$@"', "sh", table.unpack(argv) }, env = env })
    assert.matches("^EMFILE\t127.0.0.1:%d+: .*Too many open files\nEMFILE\n200\n$", result.stdout, result.stderr)
  end)
end)

describe("http misuse", function()
  it("is named", function()
    for message, case in pairs {
      ["unknown field uri"] = { uri = "x" },
      ["url is missing"] = { method = "GET" },
      ["url must be a string, not number"] = { url = 5 },
      ["timeout must be a number, not string"] = { url = "x", timeout = "5" },
      ["timeout must be above 0"] = { url = "x", timeout = 0 },
      ["body must be a string, not table"] = { url = "x", body = {} },
      ["headers[1] must be {name, value}"] = { url = "http://x", headers = { "A: b" } },
      ["headers[2] must be {name, value}, two strings"] = { url = "http://x", headers = { { "A", "b" }, { "C", 5 } } },
      ["headers[1] has a zero byte"] = { url = "http://x", headers = { { "A", "b\0" } } },
      ["url has a zero byte"] = { url = "http://x\0y" },
    } do
      local ok, text = pcall(client.request, client, case)
      assert.is_false(ok)
      assert.truthy(text:find(message, 1, true), text)
    end
    assert.has_error(function() http.new { proxies = "x" } end)
    assert.has_error(function() http.new { max_connections = -1 } end)
    local _, text = pcall(function() client:request { uri = 1 } end)
    assert.matches("http_spec.lua:%d+: http.request: unknown field uri", text)
  end)

  it("of a closed client is named", function()
    client:close()
    client:close()
    local ok, text = pcall(client.request, client, { url = server.url })
    assert.is_false(ok)
    assert.matches("closed client", text)
  end)
end)
