--- eni6: a public IPv6 address for every container on AWS.
-- The parts are loaded on first use: `eni6.sigv4` is `require "eni6.sigv4"`.

local parts = { "ip6", "blocks", "sigv4", "http", "tasks", "process", "netlink", "jmespath", "aws" }

local loaders = {
  version = function() return require("eni6.core").version end,
}
for _, name in ipairs(parts) do
  loaders[name] = function() return require("eni6." .. name) end
end

return setmetatable({}, {
  __index = function(module, name)
    local load_part = loaders[name]
    if not load_part then return nil end
    local part = load_part()
    rawset(module, name, part)
    return part
  end,
})
