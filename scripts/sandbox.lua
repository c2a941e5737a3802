-- The sandbox: an EC2 endpoint on loopback, until it is interrupted.

dofile((arg[0]:match("^(.*)/") or ".") .. "/../scripts/lib/tree.lua")
local face = require "face"

local EPILOG = [[
It prints `export` lines for a shell to eval, then `ready`:
  lua scripts/sandbox.lua >exports & sleep 1; eval "$(grep ^export exports)"
  aws ec2 describe-subnets --endpoint-url "$AWS_ENDPOINT_URL"

Faults and habits can be changed while it runs, with JSON on the same port:
  curl -d '{"kind":"throttle","operation":"RunInstances","times":2}' $AWS_ENDPOINT_URL/_sandbox/faults
  curl -d '{"habits":{"state_delay":5}}' $AWS_ENDPOINT_URL/_sandbox/faults
  curl $AWS_ENDPOINT_URL/_sandbox/state      what truly exists
  curl $AWS_ENDPOINT_URL/_sandbox/log        every request so far
  curl $AWS_ENDPOINT_URL/_sandbox/network    with --network: each instance's namespace
  curl $AWS_ENDPOINT_URL/_sandbox/sessions   roles' sessions; a POST changes them: {"life":60}, {"expire":true},
      {"lenient":true}, {"roles":{"NAME":{"external_id":"x","mfa_serial":"y"}}}, {"mfa_code":"123456"}
It is an STS, too, which lets any role of its account be assumed. Keys of roles also come, on the same port, from
  AWS_CONTAINER_CREDENTIALS_FULL_URI=$AWS_ENDPOINT_URL/container/ROLE
      AWS_CONTAINER_AUTHORIZATION_TOKEN=sandbox-container-token
  AWS_EC2_METADATA_SERVICE_ENDPOINT=$AWS_ENDPOINT_URL/    an instance's role
  a web identity whose token file holds sandbox-web-identity
  SSO, with the access token sandbox-sso-token and the refresh token sandbox-sso-refresh-token
Kinds of faults: throttle, status, html, close_before, delay, lose_answer, drop_body, hold_before,
hold_after (until a POST to /_sandbox/release; {"drop":true} closes the held connections instead);
each with nth, times and probability as wanted.]]

local function seconds(text)
  local number = tonumber(text)
  return number and number >= 0 and number or nil, "must be a number of seconds, not '" .. text .. "'"
end

local function read_arguments()
  local parser = face.parser("sandbox.lua", "An EC2 endpoint on loopback, to rehearse against. It needs no AWS account.", EPILOG)
  parser:option("--port", "Port on 127.0.0.1; 0 takes one that is free.", "0", face.whole(0, 65535)):argname "N"
  parser:option("--region", "The region that it is.", "us-east-1"):argname "NAME"
  parser:option("--subnet-cidr", "IPv6 block of the subnet that it starts with.", "2001:db8:47b:ca03::/64"):argname "PREFIX"
  parser:option("--seed", "Makes ids, addresses and faults repeatable.", nil, face.whole(0, 4294967295)):argname "N"
  parser:option("--session-token", "Demand this session token, as with temporary credentials."):argname "TOKEN"
  parser:option("--latency", "Added to every answer.", "0", seconds):argname "SECONDS"
  parser:option("--state-delay", "How long a change of state takes.", "0", seconds):argname "SECONDS"
  parser:option("--consistency-lag", "How long new things stay unseen, and deleted ones seen.", "0", seconds):argname "SECONDS"
  parser:option("--fault", 'A rule in JSON, such as {"kind":"delay","seconds":2}; may be repeated.'):count "*":argname "RULE"
  parser:flag("--network", "As root: build the instances' network too, a network namespace for each.")
  parser:flag("--die-with-stdin", "Stop when standard input ends.")
  parser:flag("--quiet", "No log on standard error.")
  return parser:parse()
end

local function log_line(entry)
  io.stderr:write(string.format("%s %s %s%s %.1f ms%s\n", os.date("!%H:%M:%S"), entry.operation or "-",
    entry.code or entry.status or "-", entry.fault and " (" .. entry.fault .. ")" or "", entry.ms or 0,
    entry.error and " internal error: " .. entry.error or ""))
end

local function fail(message) face.fail("sandbox.lua", face.FAILED, message) end

local arguments = read_arguments()
local started, message = require("eni6.sandbox").open {
  port = arguments.port, region = arguments.region, subnet_cidr = arguments.subnet_cidr, seed = arguments.seed,
  session_token = arguments.session_token, faults = arguments.fault,
  habits = { latency = arguments.latency, state_delay = arguments.state_delay, consistency_lag = arguments.consistency_lag },
  on_log = not arguments.quiet and log_line or nil, signals = true, stdin = arguments.die_with_stdin,
  network = arguments.network,
}
if not started then fail(message) end
for _, pair in ipairs(started.exports) do io.stdout:write("export ", pair[1], "='", pair[2], "'\n") end
io.stdout:write("ready\n")
io.stdout:flush()
local ok, why = started:run()
if not ok then fail(why) end
