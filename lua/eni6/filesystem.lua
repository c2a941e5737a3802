--- Files that must survive a crash: whole or not at all, and on the disk before
-- the next step is taken.

local core = require("eni6.core").filesystem

local filesystem = {}

--- Replaces a file by a new one with this text: a reader or a crash sees the old
--- or the new content. It is on the disk when this returns.
---@type fun(path: string, text: string, mode: integer|nil): true|nil, string?, string?
--- `mode`: permission bits, default 0644
filesystem.replace = core.replace

--- Appends text to a file and waits until it is on the disk.
---@type fun(path: string, text: string, mode: integer|nil): true|nil, string?, string?
--- `mode`: permission bits of a new file, default 0600
filesystem.append = core.append

--- Removes a file; "ENOENT" when there is none.
---@type fun(path: string): true|nil, string?, string?
filesystem.remove = core.remove

--- Makes a folder and those above it that are missing.
---@type fun(path: string, mode: integer|nil): true|nil, string?, string?
filesystem.make_directory = core.make_directory

--- What is at a path: { kind = "file"|"directory"|"other", mode = bits, size = bytes,
--- modified = nanoseconds since the epoch }.
---@type fun(path: string): table|nil, string?, string?
filesystem.stat = core.stat

--- Takes a lock file for this process; "EAGAIN" when another holds it. The lock
--- ends with its `close`, with its collection, or with the process.
---@type fun(path: string): userdata|nil, string?, string?
filesystem.lock = core.lock

--- The names in a folder, sorted.
---@param path string
---@return string[]|nil names, string? message, string? code
function filesystem.list(path)
  local names, message, code = core.list(path)
  if not names then return nil, message, code end
  table.sort(names)
  return names
end

local CODES = { [2] = "ENOENT", [13] = "EACCES", [21] = "EISDIR" }

--- A file's whole content.
---@param path string
---@return string|nil text, string? message, string? code
function filesystem.read(path)
  local file, message, number = io.open(path, "rb")
  if not file then return nil, "cannot read " .. message, CODES[number] or "EIO" end
  local text, fault, fault_number = file:read("a")
  file:close()
  if not text then return nil, "cannot read " .. path .. ": " .. fault, CODES[fault_number] or "EIO" end
  return text
end

return filesystem
