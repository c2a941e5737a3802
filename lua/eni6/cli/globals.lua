--- The options that every command takes.

local problem = require "eni6.cli.problem"

local globals = {}

---@type eni6.cli.Option[]
globals.options = {
  { name = "debug", takes = "none", value = true, about = "Tell on standard error what is sent and answered, without secrets." },
  { name = "endpoint-url", about = "URL to send requests to instead of the region's own." },
  { name = "no-verify-ssl", dest = "verify_ssl", takes = "none", value = false, about = "Take any TLS certificate." },
  { name = "no-paginate", dest = "paginate", takes = "none", value = false, about = "Ask for one page only." },
  { name = "output", choices = { "json", "text", "table", "yaml", "yaml-stream" }, about = "Form of the output." },
  { name = "query", about = "JMESPath expression: what to show of the result." },
  { name = "profile", about = "Profile of the config and credentials files." },
  { name = "region", about = "Region, before that of the environment and the profile." },
  { name = "version", takes = "none", value = true, about = "Show this program's version." },
  { name = "color", choices = { "on", "off", "auto" }, about = "Colours in tables." },
  { name = "no-sign-request", dest = "sign_request", takes = "none", value = false,
    about = "Send requests without signature; no credentials are looked for." },
  { name = "ca-bundle", about = "File of the certificate authorities to trust." },
  { name = "cli-read-timeout", dest = "read_timeout",
    about = "Seconds for an answer; 0 for as long as it takes. Default: 60." },
  { name = "cli-connect-timeout", dest = "connect_timeout",
    about = "Seconds for a connection; 0 for as long as it takes. Default: 60." },
  { name = "cli-binary-format", choices = { "base64", "raw-in-base64-out" },
    about = "How bytes are written in arguments." },
  { name = "no-cli-pager", takes = "none", value = true, about = "Accepted; there never is a pager." },
  { name = "cli-auto-prompt", takes = "none", value = true, about = "Accepted; there never is a prompt." },
  { name = "no-cli-auto-prompt", takes = "none", value = true, about = "Accepted; there never is a prompt." },
}

-- Wrong ones end the AWS CLI in the middle of its work.
local function settle_timeout(parsed, name)
  local text = parsed[name]
  if not text then return end
  parsed[name] = require("eni6.cli.values").integer(text)
  if not parsed[name] or parsed[name] < 0 then
    problem.raise(problem.GENERAL, "a timeout is a whole number of seconds, not '%s'", text)
  end
end

--- Checks the values of parsed global options and compiles the query. Raises a problem.
---@param parsed table<string, any>
---@return table<string, any> parsed
function globals.settle(parsed)
  if parsed.query then
    local compiled, message = require("eni6.jmespath").compile(parsed.query)
    if not compiled then problem.raise(problem.USAGE, "Bad value for --query %s: %s", parsed.query, message) end
    parsed.query = compiled
  end
  local url = parsed.endpoint_url
  if url and not url:find("^%a[%w+.-]*:") then
    problem.raise(problem.USAGE, 'Bad value for --endpoint-url "%s": scheme is missing.  Must be of the form '
      .. "http://<hostname>/ or https://<hostname>/", url)
  end
  settle_timeout(parsed, "read_timeout")
  settle_timeout(parsed, "connect_timeout")
  return parsed
end

return globals
