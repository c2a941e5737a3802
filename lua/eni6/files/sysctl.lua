--- Kernel settings that a container host needs, and the file that keeps them.
-- Linux Documentation/networking/ip-sysctl.rst; sysctl.d(5)

local files = require("eni6.files")

local sysctl = {}

sysctl.PATH = "/etc/sysctl.d/60-eni6.conf"

--- The settings in the order in which they must take effect: with forwarding on
--- and accept_ra still 1 the kernel drops the advertised default route at once,
--- and `all` does not reach an interface that exists already.
---@param link string the main interface
---@return { [1]: string, [2]: string }[] pairs of name and value
function sysctl.settings(link)
  return {
    { "net/ipv6/conf/" .. link .. "/accept_ra", "2" },
    { "net/ipv6/conf/default/forwarding", "1" },
    { "net/ipv6/conf/all/forwarding", "1" },
  }
end

--- Whether a setting is as it must be. accept_ra is 0 where systemd-networkd reads the
--- advertisements in the kernel's place: both would make two routes, and networkd sets it
--- to 0 again at each start.
---@param name string
---@param wanted string
---@param present string|nil the kernel's
---@return boolean
function sysctl.serves(name, wanted, present)
  return present == wanted or present == "0" and name:find("/accept_ra$") ~= nil
end

--- The file's text. Names are written with slashes, so that the dot in an
--- interface's name (a VLAN) stays part of the name.
---@param link string
---@return string text
function sysctl.render(link)
  local lines = {}
  for i, setting in ipairs(sysctl.settings(link)) do lines[i] = setting[1] .. " = " .. setting[2] end
  return files.compose(lines)
end

return sysctl
