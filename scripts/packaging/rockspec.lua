-- Prints the rockspec with the files that are on disk: `make rockspec` writes it,
-- and a test compares it with the one in the tree.
--
-- usage: rockspec.lua [VERSION URL]   for a release, whose source is the archive at URL

local version, url = arg[1], arg[2]

local HEAD = string.format([[
rockspec_format = "3.0"
package = "eni6"
version = "%s-1"
source = { url = "%s" }
description = {
  summary = "A public IPv6 address for every container on AWS, without NAT",
  detailed = "SigV4 signing, IPv6 block allocation and netlink configuration in a C core, "
    .. "an EC2 client, and commands that create network interfaces with a host address and "
    .. "an aligned block of addresses, launch instances on them, and give the block to Docker.",
  license = "MIT",
}
supported_platforms = { "linux" }
dependencies = {
  "lua >= 5.3, < 5.5",
  "lpeg >= 1.0",
  "dkjson >= 2.5",
  "argparse >= 0.7",
}
external_dependencies = {
  CRYPTO = { header = "openssl/evp.h", library = "crypto" },
  CURL = { library = "curl" }, -- its header lies in a folder of the architecture on Debian
  EXPAT = { header = "expat.h", library = "expat" },
}
]], version or "scm", url or "git+file://.")

local function lines_of(command)
  local lines = {}
  local pipe = assert(io.popen(command))
  for line in pipe:lines() do lines[#lines + 1] = line end
  pipe:close()
  return lines
end

-- The C sources of a module: those of a part that has one of its own, or all others
-- for "core". What several modules need is compiled into each.
local SHARED = { ["core/error.c"] = true, ["core/system.c"] = true, ["core/binding/eni6L.c"] = true }
local APART = { http = true, xml = true }

local function sources(part)
  local list = {}
  for _, path in ipairs(lines_of("LC_ALL=C ls core/*.c core/binding/*.c")) do
    local name = path:match("([^/_]+)[%w_]*%.c$")
    if (APART[name] and name or "core") == part or SHARED[path] then list[#list + 1] = path end
  end
  return list
end

local function c_module(name, part, library)
  local quoted = {}
  for i, path in ipairs(sources(part)) do quoted[i] = string.format("        %q,\n", path) end
  return string.format([=[
    ["%s"] = {
      sources = {
%s      },
      defines = { "ENI6_LOCAL" },
      incdirs = { "core", "$(%s_INCDIR)" },
      libdirs = { "$(%s_LIBDIR)" },
      libraries = { "%s" },
    },
]=], name, table.concat(quoted), library, library, library:lower())
end

local function lua_modules()
  local list = {}
  for i, path in ipairs(lines_of("LC_ALL=C find lua -name '*.lua' | LC_ALL=C sort")) do
    local name = path:gsub("^lua/", ""):gsub("%.lua$", ""):gsub("/init$", ""):gsub("/", ".")
    list[i] = string.format("    [%q] = %q,\n", name, path)
  end
  return table.concat(list)
end

local function commands()
  local list = {}
  for i, path in ipairs(lines_of("LC_ALL=C ls scripts/*.lua")) do
    list[i] = string.format("      [\"eni6-%s\"] = %q,\n", path:match("([^/]+)%.lua$"), path)
  end
  return table.concat(list)
end

io.write(HEAD, "build = {\n  type = \"builtin\",\n  modules = {\n",
  c_module("eni6.core", "core", "CRYPTO"), c_module("eni6.core.http", "http", "CURL"),
  c_module("eni6.core.xml", "xml", "EXPAT"), lua_modules(),
  "  },\n  install = {\n    bin = {\n", commands(), "    },\n  },\n  copy_directories = { \"scripts\" },\n}\n")
