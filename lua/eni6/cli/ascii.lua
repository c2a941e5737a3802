--- JSON strings in ASCII, as Python's json.dumps writes them.

local ascii = {}

local SHORT = { ['"'] = '\\"', ["\\"] = "\\\\", ["\n"] = "\\n", ["\r"] = "\\r", ["\t"] = "\\t", ["\b"] = "\\b", ["\f"] = "\\f" }

local function escaped(code)
  if code < 0x10000 then return string.format("\\u%04x", code) end
  code = code - 0x10000
  return string.format("\\u%04x\\u%04x", 0xd800 + math.floor(code / 0x400), 0xdc00 + code % 0x400)
end

--- The inside of a string: everything but printable ASCII as escapes.
---@param text string UTF-8
---@return string
function ascii.escape(text)
  text = text:gsub('[%c"\\]', function(character) return SHORT[character] or escaped(character:byte()) end)
  return (text:gsub("[\194-\244][\128-\191]+", function(character)
    return utf8.len(character) == 1 and escaped(utf8.codepoint(character)) or character
  end))
end

return ascii
