-- Signatures per second of CPU time: POST / to EC2, a form of 425 bytes, a session token of 800,
-- four signed headers. Ours from Lua against botocore, aws4 (npm) and the bare hashing in C with
-- the derived key at hand.

local ROUNDS = 3
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

local function sign()
  return signer:sign {
    method = "POST", uri = "/", body = body,
    headers = {
      { "Host", "ec2.us-east-1.amazonaws.com" },
      { "Content-Type", "application/x-www-form-urlencoded; charset=utf-8" },
    },
  }
end

local function ours()
  local count, start = 0, os.clock()
  while os.clock() - start < SECONDS do
    for _ = 1, 1000 do sign() end
    count = count + 1000
  end
  return count / (os.clock() - start)
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

local _, stages = sign()
local peers = {
  { name = "ours", run = ours },
  { name = "the bare hashing", run = function()
    return ask(string.format("build/bench/sigv4 %d %d %d %d", SECONDS, #body, #stages.canonical_request,
      #stages.string_to_sign))
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
  for _, peer in ipairs(peers) do peer.best = math.max(peer.best or 0, peer.run()) end
end
for _, peer in ipairs(peers) do
  io.stderr:write(string.format("%-16s %8.0f signatures per second of CPU time\n", peer.name, peer.best))
end
for i = 2, #peers do
  print(string.format("sigv4 against %s: ratio %.2f", peers[i].name, peers[1].best / peers[i].best))
end
