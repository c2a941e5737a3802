--- An HTTP client that answers from a script, for tests: `fake_http.new(function(request, n) … end)`.
--- The function returns { status=, body=, headers= } or nil, message, code, detail, as eni6.http does.

local fake_http = {}

local Response = {}
Response.__index = Response

function Response:header(name)
  for _, header in ipairs(self.headers) do
    if header[1]:lower() == name:lower() then return header[2] end
  end
end

local function parameters_of(body)
  local parameters = {}
  for key, value in body:gmatch("([^&=]+)=([^&]*)") do
    parameters[key] = value:gsub("%%(%x%x)", function(hex) return string.char(tonumber(hex, 16)) end)
  end
  return parameters
end

---@param answer function
---@return table client its `requests` are those it got, with `parameters` decoded
function fake_http.new(answer)
  local client = { requests = {} }
  function client.request(_, request)
    request.parameters = parameters_of(request.body)
    client.requests[#client.requests + 1] = request
    local response, message, code, detail = answer(request, #client.requests)
    if not response then return nil, message, code, detail end
    response.status = response.status or 200
    response.headers = response.headers or {}
    response.body = response.body or ""
    return setmetatable(response, Response)
  end
  function client.close() client.closed = true end
  return client
end

--- An answer of EC2's to an operation.
function fake_http.ok(operation, inner)
  return { body = string.format('<?xml version="1.0"?><%sResponse xmlns="http://ec2.amazonaws.com/doc/2016-11-15/">'
    .. "<requestId>req-1</requestId>%s</%sResponse>", operation, inner or "", operation) }
end

--- An error of EC2's.
function fake_http.error(code, status, message, headers)
  local error = string.format("<Error><Code>%s</Code><Message>%s</Message></Error>", code, message or "as it is")
  return {
    status = status,
    headers = headers,
    body = "<Response><Errors>" .. error .. "</Errors><RequestID>req-2</RequestID></Response>",
  }
end

return fake_http
