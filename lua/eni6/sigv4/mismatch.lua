--- Explains SignatureDoesNotMatch. The server sends the canonical request and the
--- string to sign that it computed; where ours differ, something changed the
--- request or one side reads it otherwise; where they agree, the secret is wrong.

local PARTS = { "method", "path", "query" }
local HIDDEN = { ["x-amz-security-token"] = true }

---@class eni6.sigv4.Mismatch
---@field kind "secret"|"scope"|"canonicalisation"|"unknown"
---@field message string one or more sentences for a person
---@field differences { part: string, ours: string?, theirs: string? }[] session tokens are masked

local function unescape_xml(text)
  local entities = { lt = "<", gt = ">", quot = '"', apos = "'", amp = "&" }
  text = text:gsub("&#[xX](%x+);", function(hex) return string.char(tonumber(hex, 16) % 256) end)
  text = text:gsub("&#(%d+);", function(decimal) return string.char(tonumber(decimal) % 256) end)
  return (text:gsub("&(%a+);", entities))
end

--- A stage out of the message: in quotes, as the Query services have it, or in an
--- element, as S3 has it.
local function stage(message, sentence, element)
  local quoted = message:match(sentence .. " should have been%s*'(.-)'\r?\n\r?\n")
    or message:match(sentence .. " should have been%s*'(.-)'%s*$")
  if quoted then return (quoted:gsub("\r\n", "\n")) end
  local text = message:match("<" .. element .. ">(.-)</" .. element .. ">")
  return text and unescape_xml(text)
end

local function lines_of(text)
  local lines = {}
  for line in (text .. "\n"):gmatch("(.-)\n") do lines[#lines + 1] = line end
  return lines
end

--- A canonical request as named parts, in its order.
local function parts_of(canonical_request)
  local lines, parts, order = lines_of(canonical_request), {}, {}
  local function add(name, value)
    if parts[name] == nil then order[#order + 1] = name end
    parts[name] = value
  end
  for i, name in ipairs(PARTS) do add(name, lines[i] or "") end
  for i = 4, #lines - 2 do
    local name, value = lines[i]:match("^([^:]*):(.*)$")
    if name then add("header " .. name, value) end
  end
  add("signed headers", lines[#lines - 1] or "")
  add("payload hash", lines[#lines] or "")
  return parts, order
end

local function shown(part, value)
  if value == nil then return nil end
  if HIDDEN[part:match("^header (.*)$") or ""] then return "(" .. #value .. " bytes)" end
  return (value:gsub("(X%-Amz%-Security%-Token=)[^&]*", "%1..."))
end

local function compare(ours, theirs)
  local our_parts, order = parts_of(ours)
  local their_parts, their_order = parts_of(theirs)
  for _, name in ipairs(their_order) do
    if our_parts[name] == nil then order[#order + 1] = name end
  end
  local differences = {}
  for _, name in ipairs(order) do
    if our_parts[name] ~= their_parts[name] then
      differences[#differences + 1] = {
        part = name, ours = shown(name, our_parts[name]), theirs = shown(name, their_parts[name]),
      }
    end
  end
  return differences
end

local function describe(difference)
  return string.format("%s: we signed %s, the server saw %s", difference.part,
    difference.ours and "'" .. difference.ours .. "'" or "none",
    difference.theirs and "'" .. difference.theirs .. "'" or "none")
end

local function of_canonical_request(ours, theirs)
  local differences, sentences = compare(ours, theirs), {}
  for i, difference in ipairs(differences) do sentences[i] = describe(difference) end
  return {
    kind = "canonicalisation", differences = differences,
    message = "The request changed on its way, or was sent otherwise than it was signed: "
      .. table.concat(sentences, "; "),
  }
end

local function of_string_to_sign(ours, theirs)
  local names, our_lines, their_lines = { "algorithm", "time", "scope" }, lines_of(ours), lines_of(theirs)
  local differences, sentences = {}, {}
  for i, name in ipairs(names) do
    if our_lines[i] ~= their_lines[i] then
      differences[#differences + 1] = { part = name, ours = our_lines[i], theirs = their_lines[i] }
      sentences[#sentences + 1] = describe(differences[#differences])
    end
  end
  return {
    kind = "scope", differences = differences,
    message = "The request is the same, but signed for another time, region or service: "
      .. table.concat(sentences, "; "),
  }
end

---@param message string the server's message, or the body of its answer
---@param ours eni6.sigv4.Stages of the request that was refused
---@return eni6.sigv4.Mismatch
return function(message, ours)
  local theirs = stage(message, "Canonical String for this request", "CanonicalRequest")
  local string_to_sign = stage(message, "String%-to%-Sign", "StringToSign")
  if theirs and theirs ~= ours.canonical_request then
    return of_canonical_request(ours.canonical_request, theirs)
  end
  if string_to_sign and string_to_sign ~= ours.string_to_sign then
    return of_string_to_sign(ours.string_to_sign, string_to_sign)
  end
  if theirs or string_to_sign then
    return {
      kind = "secret", differences = {},
      message = "The server derived the same text to sign, so the secret access key is not the one that "
        .. "belongs to this access key id: set both anew, without white space around them",
    }
  end
  return {
    kind = "unknown", differences = {},
    message = "The server did not say what it expected: look at the secret access key first, then at "
      .. "proxies that change requests",
  }
end
