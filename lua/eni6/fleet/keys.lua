--- SSH public keys as EC2 takes them: one OpenSSH line, RSA or ED25519.

local keys = {}

-- How the base64 of each kind begins (its own name, length first), and the least length.
local KINDS = {
  ["ssh-ed25519"] = { starts = "AAAAC3NzaC1lZDI1NTE5", least = 68 },
  ["ssh-rsa"] = { starts = "AAAAB3NzaC1yc2E", least = 200 },
}

--- Checks the text of a public key.
---@param text string
---@return string|nil material  "ssh-ed25519 AAAA… comment"
---@return string? message      what is wrong and what to do
function keys.check(text)
  if text:find("PRIVATE KEY", 1, true) then
    return nil, "this is a private key, which must stay with you; name its public half, the file that ends in .pub"
  end
  local kind, body = text:match("^%s*(%S+)%s+(%S+)[^\n]*%s*$")
  local known = kind and KINDS[kind]
  if not known then
    local found = kind and kind:match("^[%w@.-]+$") and " (this is " .. kind .. ")" or ""
    return nil, "not an OpenSSH public key that EC2 takes: ssh-ed25519 or ssh-rsa, on one line" .. found
      .. "; make one with: ssh-keygen -t ed25519"
  end
  if #body < known.least or body:sub(1, #known.starts) ~= known.starts or body:find("[^%w+/=]") then
    return nil, "the " .. kind .. " key is damaged or cut short; copy the file again"
  end
  return (text:gsub("^%s+", ""):gsub("%s+$", ""))
end

--- Whether two public keys are the same, whatever their comments say.
---@param a string
---@param b string
---@return boolean
function keys.same(a, b)
  return a:match("^%s*(%S+%s+%S+)") == b:match("^%s*(%S+%s+%S+)")
end

return keys
