--- The list of what is wrong in a plan, each fault with its place.

local suggest = require "eni6.suggest"

local faults = {}
faults.__index = faults

---@param file string  name of the plan's file, for messages
---@param places table<string, integer>  field paths to lines (eni6.fleet.places)
function faults.new(file, places)
  return setmetatable({ file = file, places = places, count = 0 }, faults)
end

--- An empty list for the same file.
function faults:fresh() return faults.new(self.file, self.places) end

--- Adds one fault. A path that begins with "-" or "$" names an option or a
--- variable of the environment instead of a field.
---@param path string     `hosts[1].block`; "" for the table itself
---@param message string  what is wrong and what to do
---@param near string?    the field whose line counts when this one is not written in the file
function faults:add(path, message, near)
  self.count = self.count + 1
  self[self.count] = { path = path, message = message, order = self.count,
    line = self.places[path] or near and self.places[near] or nil }
end

local function one(file, fault)
  if fault.path:match("^[-$]") then return fault.path .. ": " .. fault.message end
  local place = fault.line and file .. ":" .. fault.line or file
  return place .. ": " .. (fault.path ~= "" and fault.path .. ": " or "") .. fault.message
end

--- All faults as lines of text, in the order of the file.
---@return string
function faults:message()
  local sorted, lines = {}, {}
  for i = 1, self.count do sorted[i] = self[i] end
  table.sort(sorted, function(a, b)
    local x, y = a.line or 0, b.line or 0
    return x < y or (x == y and a.order < b.order)
  end)
  for i, fault in ipairs(sorted) do lines[i] = one(self.file, fault) end
  return table.concat(lines, "\n")
end

local function sorted_keys(set)
  local names = {}
  for name in pairs(set) do names[#names + 1] = name end
  table.sort(names)
  return names
end

--- Adds a fault for each field of `value` that `known` does not have.
---@param value table
---@param path string
---@param known table<string, any>
---@param join fun(path: string, key: any): string
function faults:unknown_fields(value, path, known, join)
  for key in pairs(value) do
    if known[key] == nil then
      local meant = suggest.among(tostring(key), sorted_keys(known), "known are ")
      self:add(join(path, key), "unknown field; " .. meant, path)
    end
  end
end

return faults
