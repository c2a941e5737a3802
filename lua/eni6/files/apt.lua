--- apt's sources, rewritten where their host has no IPv6 address, and nowhere else.
--
-- Both formats are read as lines: the one-line style (sources.list(5): `deb
-- [options] uri suite …`) and deb822 stanzas (`URIs: uri …` with continuation
-- lines). Everything that is not the host of an active source stays byte for byte.

local files = require("eni6.files")
local lpeg = require("eni6.rocks").need "lpeg"

local apt = {}

apt.FORCE_IPV6_PATH = "/etc/apt/apt.conf.d/60-eni6-force-ipv6"

--- apt.conf(5): Acquire::ForceIPv6. The published text gives it with each command.
---@return string text
function apt.render_force_ipv6()
  return files.compose({ 'Acquire::ForceIPv6 "true";' })
end

-- A URI's host between what stands before and behind it: scheme://[user@]host[:port]/…
local function uri_grammar()
  local P, R, S, C, Cg, Ct = lpeg.P, lpeg.R, lpeg.S, lpeg.C, lpeg.Cg, lpeg.Ct
  local scheme = P("http") * P("s") ^ -1 * "://"
  local user = (1 - S("/@ \t")) ^ 1 * "@"
  local host = (R("az", "AZ", "09") + S(".-")) ^ 1
  return Ct(Cg(C(scheme * user ^ -1), "before") * Cg(C(host), "host") * Cg(C(P(1) ^ 0), "behind"))
end

local URI = require("eni6.pattern").ready(uri_grammar())

-- The parts of a line: { text, is_word } with spaces kept, so that they join again.
local WORDS = require("eni6.pattern").ready(lpeg.Ct((lpeg.C((1 - lpeg.S(" \t")) ^ 1) + lpeg.C(lpeg.S(" \t") ^ 1)) ^ 0))

local function is_one_line_source(line)
  return line:find("^%s*deb%s") or line:find("^%s*deb%-src%s")
end

-- Calls visit(host) for each source host of a line; what it returns stands there instead.
local function map_line(line, visit)
  local words = WORDS:match(line)
  for i, word in ipairs(words) do
    local uri = URI:match(word)
    local host = uri and visit(uri.host:lower())
    if host then words[i] = uri.before .. host .. uri.behind end
  end
  return table.concat(words)
end

-- Whether the line belongs to a deb822 field `URIs`, given the field before it.
local function deb822_field(line, field)
  if line:find("^%s*#") then return field end
  if line:find("^%s") then return field end
  local name = line:match("^([%w-]+):")
  return name and name:lower() or nil
end

-- The text with visit's answer in the place of each active source's host.
local function map_hosts(text, visit)
  local out, field = {}, nil
  for line, newline in text:gmatch("([^\n]*)(\n?)") do
    field = deb822_field(line, field)
    local active = not line:find("^%s*#") and (is_one_line_source(line) or field == "uris")
    out[#out + 1] = (active and map_line(line, visit) or line) .. newline
  end
  return table.concat(out)
end

--- The hosts that the active sources of a file name, each once, in their order.
---@param text string
---@return string[]
function apt.hosts(text)
  local hosts, seen = {}, {}
  map_hosts(text, function(host)
    if not seen[host] then hosts[#hosts + 1], seen[host] = host, true end
    return nil
  end)
  return hosts
end

--- The file's text with hosts replaced.
---@param text string
---@param replacements table<string, string> new host by old host
---@return string text
function apt.rewrite(text, replacements)
  return map_hosts(text, function(host) return replacements[host] end)
end

--- The hosts that may stand in for one without an IPv6 address, the best first:
--- the same archive without the region that EC2's images put before it.
---@param host string
---@return string[]
function apt.candidates(host)
  local list = {}
  local archive = host:match("%.ec2%.(%w+%.ubuntu%.com)$") or host:match("%.clouds%.(%w+%.ubuntu%.com)$")
  if archive then list[#list + 1] = archive end
  if host:find("%.debian%.org$") and host ~= "deb.debian.org" then list[#list + 1] = "deb.debian.org" end
  return list
end

return apt
