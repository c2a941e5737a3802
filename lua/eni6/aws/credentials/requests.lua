--- Plain requests to the servers that give keys, tried more than once.

local requests = {}

local transient = { [429] = true, [500] = true, [502] = true, [503] = true, [504] = true }

--- Sends a request until it is answered in earnest.
---@param http table
---@param request table as eni6.http takes it
---@param options { attempts: integer, pause: number, sleep: fun(seconds: number) }
---@return table|nil response of any status that is final, or of the last attempt
---@return string|nil message
---@return string|nil code
function requests.send(http, request, options)
  local response, message, code
  for attempt = 1, options.attempts do
    if attempt > 1 then options.sleep(options.pause) end
    response, message, code = http:request(request)
    if response and not transient[response.status] then return response end
    if code == "EINVAL" or code == "ECANCELED" then break end
  end
  return response, message, code
end

return requests
