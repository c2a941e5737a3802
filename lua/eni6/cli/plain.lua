local plain = {}
function plain.new(_, write, self)
  local result
  return { page = function(_, page) result = result or {} for k, v in pairs(page) do
      if result[k] and type(v) == "table" then for _, e in ipairs(v) do table.insert(result[k], e) end else result[k] = v end end end,
    finish = function(_, resume)
      if self.paging then result[self.service:paginator(self.operation.name).output_token] = resume end
      local query = self.globals.query
      local shown = result
      if query then shown = query:search(result) end
      write(require("eni6.jmespath.values").encode(shown) .. "\n") end }
end
return plain
