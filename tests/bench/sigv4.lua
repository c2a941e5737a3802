-- Signatures per second of CPU time: POST / to EC2, a form of 425 bytes, a session token of 800,
-- four signed headers. Ours from Lua against botocore, aws4 (npm) and the bare hashing in C with
-- the derived key at hand.

local ROUNDS = 5
local SECONDS = 1
local BUILD = os.getenv("ENI6_BUILD") or "build/release"
local AWS4 = "build/bench/node_modules/aws4"

package.path = "lua/?.lua;lua/?/init.lua;" .. package.path
package.cpath = BUILD .. "/lua" .. _VERSION:match("%d%.%d") .. "/?.so;" .. package.cpath
local sigv4 = require "eni6.sigv4"

local body = "Action=DescribeNetworkInterfaces&Version=2016-11-15&"
body = body .. ("x"):rep(425 - #body)
local token = ("IQoJb3JpZ2luX2VjEXAMPLE//"):rep(32)

local signer = sigv4.new {
  access_key_id = "AKIDEXAMPLE", secret_access_key = "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY",
  session_token = token, region = "us-east-1", service = "ec2",
}

local function new_request()
  return {
    method = "POST", uri = "/", body = body,
    headers = {
      { "Host", "ec2.us-east-1.amazonaws.com" },
      { "Content-Type", "application/x-www-form-urlencoded; charset=utf-8" },
    },
  }
end

local request = new_request()
local function sign_again() return signer:sign(request) end
local function sign_anew() return signer:sign(new_request()) end

--- Signatures per second of CPU time of a function that makes one: the best of many short
--- slices, here and in the peers, since the machine may be busy with other things, too.
local function measure(sign)
  local best, start = 0, os.clock()
  while os.clock() - start < SECONDS do
    local before = os.clock()
    for _ = 1, 5000 do sign() end
    best = math.max(best, 5000 / (os.clock() - before))
  end
  return best
end

--- The number that a peer prints.
local function ask(command)
  local pipe = assert(io.popen(command))
  local number = tonumber(pipe:read("*l"))
  pipe:close()
  if not number then error("no number from: " .. command) end
  return number
end

local function prepare()
  assert(os.execute("mkdir -p build/bench"))
  assert(os.execute("gcc -O2 -o build/bench/sigv4 tests/bench/sigv4.c -lcrypto"))
  local installed = io.open(AWS4 .. "/aws4.js")
  if installed then
    installed:close()
  else
    assert(os.execute("npm install --silent --no-fund --no-audit --prefix build/bench aws4@1.13.2 >&2"))
  end
end

local _, stages = sign_again()
local ours = {
  { name = "one request table", run = function() return measure(sign_again) end },
  { name = "a new table each", run = function() return measure(sign_anew) end },
}
local peers = {
  { name = "the bare hashing", run = function()
    return ask(string.format("build/bench/sigv4 %d %d %d %d", SECONDS, #body,
      #stages.canonical_request, #stages.string_to_sign))
  end },
  { name = "aws4", run = function()
    return ask(string.format("node tests/bench/sigv4.js ../../%s %d '%s' '%s'", AWS4, SECONDS, body, token))
  end },
  { name = "botocore", run = function()
    return ask(string.format("/usr/bin/python3 tests/bench/sigv4.py %d '%s' '%s'", SECONDS, body, token))
  end },
}

-- The best of several rounds, taken in turn, so that a busy machine hits all alike.
prepare()
for _ = 1, ROUNDS do
  for _, group in ipairs { ours, peers } do
    for _, one in ipairs(group) do one.best = math.max(one.best or 0, one.run()) end
  end
end
for _, group in ipairs { ours, peers } do
  for _, one in ipairs(group) do
    io.stderr:write(string.format("%-18s %8.0f signatures per second of CPU time\n", one.name, one.best))
  end
end
for _, mine in ipairs(ours) do
  for _, peer in ipairs(peers) do
    print(string.format("sigv4, %s, against %s: ratio %.2f", mine.name, peer.name, mine.best / peer.best))
  end
end
