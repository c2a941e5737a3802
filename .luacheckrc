std = "lua54"
max_line_length = 130
files["tests/**/*_spec.lua"] = { std = "+busted" }
files["tests/lua/cli/awscli/*.lua"] = { std = "+busted" }
exclude_files = { "build", "lua/eni6/aws/model/ec2.lua", "lua/eni6/aws/model/ec2_more.lua",
  "lua/eni6/aws/model/ec2_enums.lua", "lua/eni6/aws/model/sts.lua" }
files["scripts/examples/haproxy/*.lua"] = { globals = { "core" } }
files["scripts/examples/lighttpd/*.lua"] = { globals = { "lighty" } }
