--- Bytes as Latin-1 characters in UTF-8, so that JSON carries any text.
return function(bytes)
  return (bytes:gsub("[\128-\255]", function(c)
    local b = c:byte()
    return string.char(b < 192 and 194 or 195, b < 192 and b or b - 64)
  end))
end
