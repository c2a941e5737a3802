--- New key pairs as CreateKeyPair hands them out, made by OpenSSL through luaossl.

local base64 = require "eni6.base64"
local digest = require "openssl.digest"
local pkey = require "openssl.pkey"
local public_keys = require "eni6.sandbox.catalogue.public_keys"

local M = {}

local function ssh_string(bytes) return string.pack(">s4", bytes) end

local function der_of(pem) return assert(base64.decode(pem:match("KEY%-+%s(.-)%s%-+END"))) end

-- The content of the DER element at a place, and the place behind it (X.690).
local function der_element(bytes, at)
  local length, start = bytes:byte(at + 1), at + 2
  if length > 127 then
    local size = length - 128
    length = string.unpack(">I" .. size, bytes, start)
    start = start + size
  end
  return bytes:sub(start, start + length - 1), start + length
end

-- The OpenSSH line of an RSA key, out of its SubjectPublicKeyInfo.
local function rsa_line(spki)
  local outer = der_element(spki, 1)
  local _, after_algorithm = der_element(outer, 1)
  local key = der_element(der_element(outer, after_algorithm):sub(2), 1)
  local modulus, after_modulus = der_element(key, 1)
  local exponent = der_element(key, after_modulus)
  return "ssh-rsa " .. base64.encode(ssh_string("ssh-rsa") .. ssh_string(exponent) .. ssh_string(modulus))
end

-- EC2's fingerprint of an RSA key of its own making: the SHA-1 of the private key in DER.
local function new_rsa()
  local key = pkey.new { type = "RSA", bits = 2048 }
  local material = key:toPEM("private")
  return { material = material, type = "rsa", line = rsa_line(der_of(key:toPEM("public"))),
    fingerprint = public_keys.colons(digest.new("sha1"):final(der_of(material))) }
end

-- OpenSSH's own file format, openssh-key-v1 without encryption (PROTOCOL.key).
local function openssh_file(blob, public, seed)
  local check = digest.new("sha256"):final(blob):sub(1, 4)
  local private = check .. check .. ssh_string("ssh-ed25519") .. ssh_string(public) .. ssh_string(seed .. public)
    .. ssh_string("")
  for i = 1, -#private % 8 do private = private .. string.char(i) end
  local file = "openssh-key-v1\0" .. ssh_string("none") .. ssh_string("none") .. ssh_string("") .. string.pack(">I4", 1)
    .. ssh_string(blob) .. ssh_string(private)
  local lines = base64.encode(file):gsub(("."):rep(70), "%0\n")
  return "-----BEGIN OPENSSH PRIVATE KEY-----\n" .. lines .. "\n-----END OPENSSH PRIVATE KEY-----\n"
end

-- The last 32 bytes of either DER form are the key itself (RFC 8410).
local function new_ed25519()
  local key = pkey.new { type = "ED25519" }
  local public, seed = der_of(key:toPEM("public")):sub(-32), der_of(key:toPEM("private")):sub(-32)
  local blob = ssh_string("ssh-ed25519") .. ssh_string(public)
  local line = "ssh-ed25519 " .. base64.encode(blob)
  return { material = openssh_file(blob, public, seed), type = "ed25519", line = line,
    fingerprint = public_keys.read(line).fingerprint }
end

local MAKERS = { rsa = new_rsa, ed25519 = new_ed25519 }

--- Whether a type of key can be made.
---@param kind string
---@return boolean
function M.is_type(kind) return MAKERS[kind] ~= nil end

--- Makes a key.
---@param kind "rsa"|"ed25519"
---@return { material: string, type: string, line: string, fingerprint: string } key
function M.new(kind) return MAKERS[kind]() end

return M
