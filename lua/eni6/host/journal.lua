--- What to put back, on the disk before anything is changed.
--
-- One JSON document a line, each synced before its step is taken. A kill at any
-- moment leaves at most a torn last line, whose step was never begun. The journal
-- exists exactly while the machine's new state is not final.

local json = require("eni6.rocks").need "dkjson"

local journal = {}

--- Where the journal lies; below /var/lib, since it must survive a reboot.
journal.DIRECTORY = "/var/lib/eni6"

local function path_of(directory) return directory .. "/journal" end

local Journal = { __name = "eni6.journal" }
Journal.__index = Journal

--- Takes the right to change this machine's network configuration, until `release`
--- or the process's end.
---@param filesystem table eni6.filesystem, or what a test puts in its place
---@param directory string
---@return table|nil journal, string? message, string? code "EAGAIN" when another process has it
function journal.open(filesystem, directory)
  local made, message, code = filesystem.make_directory(directory, 448)
  if not made then return nil, message, code end
  local lock
  lock, message, code = filesystem.lock(directory .. "/lock")
  if not lock then return nil, message, code end
  return setmetatable({ filesystem = filesystem, directory = directory, path = path_of(directory), lock = lock }, Journal)
end

--- The entries of a journal that is there, oldest first, without taking the lock.
---@param filesystem table
---@param directory string
---@return table[]|nil entries nil where there is no journal, and then no message either
---@return string? message
---@return string? code
function journal.read(filesystem, directory)
  local text, message, code = filesystem.read(path_of(directory))
  if code == "ENOENT" then return nil end
  if not text then return nil, message, code end
  local entries = {}
  for line in text:gmatch("([^\n]*)\n") do
    local entry = json.decode(line)
    if not entry then
      return nil, "the journal " .. path_of(directory) .. " is damaged; look at it, put back by hand what it names, "
        .. "and remove it", "EBADMSG"
    end
    entries[#entries + 1] = entry
  end
  return entries
end

--- Writes one entry and waits until it is on the disk.
---@param entry table
---@return true|nil ok, string? message, string? code
function Journal:record(entry)
  return self.filesystem.append(self.path, json.encode(entry) .. "\n", 384)
end

--- Ends the transaction: the present state is final.
---@return true|nil ok, string? message, string? code
function Journal:finish()
  local removed, message, code = self.filesystem.remove(self.path)
  if removed or code == "ENOENT" then return true end
  return nil, message, code
end

--- Gives the right to change the configuration back. May be called again.
function Journal:release() self.lock:close() end

return journal
