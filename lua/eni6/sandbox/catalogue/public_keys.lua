--- Public keys in OpenSSH's text form, and the fingerprints that EC2 gives them:
--- for RSA the MD5 of the DER SubjectPublicKeyInfo, for ED25519 the SHA-256 of
--- the key blob in base64 (EC2 user guide, "Verify the fingerprint").

local base64 = require "eni6.base64"
local digest = require "openssl.digest"

local M = {}

-- The strings of an SSH blob (RFC 4251 section 5).
local function fields(blob)
  local list, at = {}, 1
  while at + 3 <= #blob do
    local length = string.unpack(">I4", blob, at)
    if at + 3 + length > #blob then return nil end
    list[#list + 1] = blob:sub(at + 4, at + 3 + length)
    at = at + 4 + length
  end
  return at == #blob + 1 and list or nil
end

local function der(tag, content)
  local length = #content
  if length < 128 then return string.char(tag, length) .. content end
  if length < 256 then return string.char(tag, 0x81, length) .. content end
  return string.char(tag, 0x82, math.floor(length / 256), length % 256) .. content
end

local RSA_OID = "\x06\x09\x2a\x86\x48\x86\xf7\x0d\x01\x01\x01\x05\x00"

-- SubjectPublicKeyInfo of an RSA key; an SSH mpint is a DER integer's content already.
local function rsa_spki(exponent, modulus)
  local key = der(0x30, der(0x02, modulus) .. der(0x02, exponent))
  return der(0x30, der(0x30, RSA_OID) .. der(0x03, "\0" .. key))
end

local function colons(bytes)
  return (bytes:gsub(".", function(byte) return string.format("%02x:", byte:byte()) end):sub(1, -2))
end
M.colons = colons

--- Reads an OpenSSH public key line.
---@param material string such as "ssh-ed25519 AAAA… comment"
---@return { type: string, fingerprint: string, line: string }|nil key nil when it is no key that EC2 takes
function M.read(material)
  local kind, text = material:match("^%s*(ssh%-%S+)%s+(%S+)")
  local blob = text and base64.decode(text)
  local list = blob and fields(blob)
  if not list or list[1] ~= kind then return nil end
  local line = material:match("^%s*(.-)%s*$")
  if kind == "ssh-ed25519" and #list == 2 and #list[2] == 32 then
    return { type = "ed25519", fingerprint = base64.encode(digest.new("sha256"):final(blob)), line = line }
  end
  if kind == "ssh-rsa" and #list == 3 and #list[3] >= 128 then
    return { type = "rsa", fingerprint = colons(digest.new("md5"):final(rsa_spki(list[2], list[3]))), line = line }
  end
  return nil
end

return M
