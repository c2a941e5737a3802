--- What is written on an instance, as text. Pure: a table of what is wanted in,
-- the text of a file out. Both sides use it: the operator's (user data) before
-- the instance exists, the instance's own (configure) once it runs.
--
-- Every file begins with the same line, by which eni6 knows its own files from
-- other people's, which it never edits.

local files = {}

--- The first line of every file that eni6 writes and that allows a comment.
files.MARK = "# Written by eni6. It is written anew by each configuration; put changes into a file of your own."

--- Whether a file's text was written by eni6.
---@param text string|nil
---@return boolean
function files.is_ours(text)
  return text ~= nil and text:sub(1, #files.MARK) == files.MARK
end

--- A file's text: the mark, then the lines.
---@param lines string[]
---@return string
function files.compose(lines)
  return files.MARK .. "\n" .. table.concat(lines, "\n") .. "\n"
end

return files
