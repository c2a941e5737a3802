--- Docker's daemon.json, edited as text: what the user wrote (keys, order,
-- spacing) stays byte for byte; only the members that must change do.
-- https://docs.docker.com/reference/cli/dockerd/#daemon-configuration-file

local json = require("eni6.rocks").need "dkjson"
local lpeg = require("eni6.rocks").need "lpeg"

local daemon_json = {}

daemon_json.PATH = "/etc/docker/daemon.json"

-- RFC 8259, strictly (the JSON library forgives a missing colon, dockerd does
-- not). Matching gives the places of the top-level object's members: name, first
-- and past of each value, and where the object opens and closes. Every token
-- notes how far the match came, which is where a syntax error is.
local function strict_object()
  local P, R, S, V = lpeg.P, lpeg.R, lpeg.S, lpeg.V
  local C, Carg, Cg, Cmt, Cp, Ct = lpeg.C, lpeg.Carg, lpeg.Cg, lpeg.Cmt, lpeg.Cp, lpeg.Ct
  local note = Cmt(Carg(1), function(_, offset, reached)
    if offset > reached.offset then reached.offset = offset end
    return true
  end)
  local space = S(" \t\r\n") ^ 0 * note
  local hex, digits = R("09", "af", "AF"), R("09") ^ 1
  local escape = P("\\") * (S('"\\/bfnrt') + P("u") * hex * hex * hex * hex)
  local text = P('"') * (escape + (1 - S('"\\') - R("\0\31"))) ^ 0 * P('"')
  local number = P("-") ^ -1 * (P("0") + R("19") * R("09") ^ 0) * (P(".") * digits) ^ -1
    * (S("eE") * S("+-") ^ -1 * digits) ^ -1
  local function list(item) return (item * (space * "," * space * item) ^ 0) ^ -1 * space end
  local value = P({
    V("value"),
    value = text + number + P("true") + P("false") + P("null")
      + P("{") * space * list(text * space * ":" * space * V("value")) * "}"
      + P("[") * space * list(V("value")) * "]",
  })
  local member = Ct(Cg(C(text), "name") * space * ":" * space * Cg(Cp(), "first") * value * Cg(Cp(), "past"))
  return Ct(space * "{" * Cg(Cp(), "open") * space * Cg(Ct(list(member)), "members")
    * Cg(Cp(), "close") * "}" * space * -1)
end

local OBJECT = require("eni6.pattern").ready(strict_object(), { offset = 1 })

local function line_and_column(text, offset)
  local before = text:sub(1, offset - 1)
  local _, newlines = before:gsub("\n", "")
  return newlines + 1, #before:match("[^\n]*$") + 1
end

local function parse(text)
  local reached = { offset = 1 }
  local places = OBJECT:match(text, 1, reached)
  if places then return places end
  local line, column = line_and_column(text, reached.offset)
  return nil, string.format("%s:%d:%d: not valid JSON from here on; it must hold one object. "
    .. "Mend it by hand, then run this again (nothing was changed)", daemon_json.PATH, line, column), "EINVAL"
end

-- Puts a new member behind the last one, indented as the first one is.
local function insert(text, places, name, encoded)
  local last = places.members[#places.members]
  local member = json.quotestring(name) .. ": " .. encoded
  if not last then
    return text:sub(1, places.open - 1) .. "\n  " .. member .. "\n" .. text:sub(places.close)
  end
  local indent = text:sub(places.open):match("^%s*")
  return text:sub(1, last.past - 1) .. "," .. (indent == "" and " " or indent) .. member .. text:sub(last.past)
end

-- The text with one member set; itself when the member holds that value already. A
-- name may stand twice (the last one counts for Docker): all of them are set, from
-- the last to the first, so that the places before stay right.
local function set(text, places, name, value)
  local found = false
  for i = #places.members, 1, -1 do
    local member = places.members[i]
    if json.decode(member.name) == name then
      found = true
      if json.decode(text:sub(member.first, member.past - 1)) ~= value then
        text = text:sub(1, member.first - 1) .. json.encode(value) .. text:sub(member.past)
      end
    end
  end
  return found and text or insert(text, places, name, json.encode(value))
end

--- The text with some members set. Members that hold the value already are not
--- touched, so that the same text comes back when nothing is to do.
---@param text string|nil the present file; nil or blank when there is none
---@param members { [1]: string, [2]: string|number|boolean }[] name and value of each, in order
---@return string|nil text, string? message, string? code
---   "EINVAL" names file, line and column of a syntax error
function daemon_json.merge(text, members)
  if not text or not text:find("%S") then text = "{}\n" end
  for _, member in ipairs(members) do
    local places, message, code = parse(text)
    if not places then return nil, message, code end
    text = set(text, places, member[1], member[2])
  end
  return text
end

--- The members that give Docker's default bridge a block of addresses.
---@param block string an IPv6 prefix
---@return { [1]: string, [2]: any }[]
function daemon_json.bridge_members(block)
  return { { "ipv6", true }, { "fixed-cidr-v6", block } }
end

return daemon_json
