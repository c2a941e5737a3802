--- Several independent questions at once.

local tasks = require "eni6.tasks"
local failure = require "eni6.fleet.failure"

--- Runs functions side by side. The first that fails cancels the others, and its
--- failure is raised.
---@param jobs table<string, fun(): any>  each returns a value or raises a failure
---@return table<string, any> values      by the jobs' names
return function(jobs)
  local values = {}
  failure.want(tasks.group(function(group)
    for name, job in pairs(jobs) do
      group:spawn(name, function()
        local value, message, code, detail = failure.catch(job)
        if value == nil then return nil, message, code, detail end
        values[name] = value
        return true
      end)
    end
  end))
  return values
end
