--- Shows how hosts get on: on a terminal a block with a line for each, redrawn in
-- place; elsewhere a plain line for each event. Always on standard error.

local system = require("eni6.core").system

local progress = {}
progress.__index = progress

local LIVE_HOSTS = 20 -- more would not fit on a screen that the block has to stay on
local DONE, FAILED = "\27[32m✓\27[0m", "\27[31m✗\27[0m"
local MARKS = { running = DONE, configured = DONE, removed = DONE, failed = FAILED, left = FAILED }
local ONE_LINE, NEXT_LINE_CLEAR = "\27[?7l", "\27[?7h"

--- A display for these hosts.
---@param names string[]
---@param quiet boolean|nil  show nothing but notes
function progress.new(names, quiet)
  local live = not quiet and #names <= LIVE_HOSTS and system.is_terminal(2) and os.getenv("TERM") ~= "dumb"
  local self = setmetatable({ names = names, width = 0, last = {}, live = live, quiet = quiet, drawn = 0 }, progress)
  for _, name in ipairs(names) do self.width = math.max(self.width, #name) end
  return self
end

local function line_of(self, name)
  local event = self.last[name]
  local padded = name .. (" "):rep(self.width - #name)
  if not event then return "  " .. padded end
  local text = (event.text or ""):match("^[^\n]*")
  return string.format("%s %s  %-9s  %s", MARKS[event.state] or "·", padded, event.state, text)
end

-- Moves back to the top of the block and draws it again. Lines do not wrap
-- meanwhile: the number of lines to go back by has to be known.
local function draw(self)
  local out = { self.drawn > 0 and "\27[" .. self.drawn .. "F" or "", ONE_LINE }
  for _, name in ipairs(self.names) do out[#out + 1] = "\27[2K" .. line_of(self, name) .. "\n" end
  out[#out + 1] = NEXT_LINE_CLEAR
  io.stderr:write(table.concat(out))
  self.drawn = #self.names
end

-- A line above the block.
local function note(self, text)
  if self.drawn > 0 then io.stderr:write("\27[" .. self.drawn .. "F\27[J") end
  self.drawn = 0
  io.stderr:write(text, "\n")
  if self.live and next(self.last) then draw(self) end
end

--- Takes an event of eni6.fleet: { host, state, text } or { note }.
---@param event table
function progress:show(event)
  if event.note then return note(self, event.note) end
  if self.quiet then return end
  local known = event.host and self.live
  if known then
    self.last[event.host] = event
    return draw(self)
  end
  note(self, (event.host and event.host .. ": " or "") .. event.state .. (event.text and "  " .. event.text or ""))
end

return progress
