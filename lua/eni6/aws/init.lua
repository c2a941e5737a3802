--- The AWS client: `require("eni6.aws").ec2.new{}`. Its parts are loaded on first use, each is a module by itself:
--- `ec2` and `sts` (clients), `imds` (the metadata service), `credentials`, `config` (profiles and settings).

local names = { ec2 = true, sts = true, imds = true, credentials = true, config = true }

return setmetatable({}, {
  __index = function(module, name)
    if not names[name] then return nil end
    local part = require("eni6.aws." .. name)
    rawset(module, name, part)
    return part
  end,
})
