local compiled = dofile "scripts/lib/compiled.lua"
local filesystem = require "eni6.filesystem"

describe("compiled modules", function()
  local folder = os.tmpname()
  os.remove(folder)
  local source = folder .. "/lua/eni6/probe.lua"
  local searchers = { table.unpack(package.searchers) }

  local function write(path, text) assert(filesystem.replace(path, text)) end

  -- What `require` gives for the module that says "compiled" in its bytecode and "source" in its source.
  local function says()
    package.loaded["eni6.probe"] = nil
    return require "eni6.probe"
  end

  local function write_compiled(modified, cut)
    local bytecode = string.dump(load "return 'compiled'")
    local whole = string.pack("<i8I4", modified, #bytecode) .. bytecode
    write(folder .. "/compiled/eni6.probe", whole:sub(1, cut or -1))
  end

  local path = package.path
  before_each(function()
    assert(filesystem.make_directory(folder .. "/lua/eni6"))
    assert(filesystem.make_directory(folder .. "/compiled"))
    write(source, "return 'source'")
    package.path = folder .. "/lua/?.lua;" .. path
    compiled.use(folder .. "/lua", folder .. "/compiled")
  end)

  after_each(function()
    package.path = path
    for i = #package.searchers, 1, -1 do package.searchers[i] = searchers[i] end
    os.execute("rm -r " .. folder)
  end)

  it("are loaded while their sources stay as they are", function()
    assert.equal("source", says())
    write_compiled(filesystem.stat(source).modified)
    assert.equal("compiled", says())
    os.execute("touch -d '2001-01-01' " .. source)
    assert.equal("source", says())
  end)

  it("are passed over where they are damaged", function()
    for _, cut in ipairs { 0, 3, 12, 20, 40 } do
      write_compiled(filesystem.stat(source).modified, cut == 0 and 1 or cut)
      assert.equal("source", says(), "cut at " .. cut)
    end
  end)

  it("are passed over where there is no source", function()
    write_compiled(filesystem.stat(source).modified)
    os.remove(source)
    assert.is_false((pcall(says)))
  end)
end)
