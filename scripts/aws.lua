-- The AWS CLI's commands for EC2 and STS, without Python: lua scripts/aws.lua ec2 describe-key-pairs …

dofile((arg[0]:match("^(.*)/") or ".") .. "/../scripts/lib/tree.lua")

local world = {
  write = function(text) io.stdout:write(text) end,
  complain = function(text) io.stderr:write(text) end,
  getenv = os.getenv,
  read_file = require("eni6.aws.config").read_file,
}

os.exit(require("eni6.cli.run").main(arg, world), true)
