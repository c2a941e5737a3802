--- A reboot must not make an unconfirmed state final: while one waits, a drop-in has
--- systemd put everything back before networkd starts. systemd.service(5), the
--- prefixes of ExecStartPre=.

local files = require("eni6.files")

local unconfirmed = {}

unconfirmed.PATH = "/etc/systemd/system/systemd-networkd.service.d/60-eni6-unconfirmed.conf"

local function quoted(words)
  local list = {}
  for i, word in ipairs(words) do list[i] = '"' .. word:gsub('[\\"]', "\\%0"):gsub("%%", "%%%%"):gsub("%$", "$$$$") .. '"' end
  return table.concat(list, " ")
end

--- The step that writes it; undone with the rest, removed by `confirm`.
---@param command string[] the absolute path of a program, and arguments, that roll back
---@return table step
function unconfirmed.step(command)
  return { kind = "file", path = unconfirmed.PATH, mode = 420,
    text = files.compose({ "[Service]", "ExecStartPre=-+" .. quoted(command) }) }
end

return unconfirmed
