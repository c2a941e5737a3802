--- How many descriptors this process has open, counted without opening more
--- than one at a time.
return function()
  collectgarbage()
  collectgarbage()
  local count = 0
  for number = 0, 1000 do
    local file = io.open("/proc/self/fdinfo/" .. number)
    if file then
      file:close()
      count = count + 1
    end
  end
  return count
end
