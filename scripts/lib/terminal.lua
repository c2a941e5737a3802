--- Asking a person, on the terminal, whatever standard input and output are.

local terminal = {}

-- The child gets the terminal's interrupt, too, and puts the echo back itself.
local SCRIPT = [[
exec 3<>/dev/tty || exit 2
trap 'stty echo <&3' EXIT
trap 'exit 130' INT TERM HUP
stty -echo <&3
printf '%s' "$1" >&3
IFS= read -r code <&3 || exit 3
printf '\n' >&3
printf '%s' "$code"]]

local function ask(question)
  local result, message = require("eni6.process").run({ argv = { "sh", "-c", SCRIPT, "ask", question }, stderr = "null" })
  if not result then return nil, message end
  if result.status == 0 then return result.stdout end
  return nil, result.status == 2 and "there is no terminal to ask on" or "nothing was typed"
end

--- Asks for something secret: what is typed is not shown.
---@param question string
---@return string|nil answer
---@return string|nil message
function terminal.ask(question)
  local ok, answer, message = pcall(ask, question)
  if ok then return answer, message end
  os.execute("stty echo </dev/tty 2>/dev/null")
  error(answer, 0)
end

--- Tells the user on standard error what went wrong without harm.
---@param message string
function terminal.warn(message) io.stderr:write("warning: ", message, "\n") end

return terminal
