local apt = require("eni6.files.apt")

local ONE_LINE = [[
## a comment with deb http://us-east-1.ec2.archive.ubuntu.com/ubuntu
deb http://us-east-1.ec2.archive.ubuntu.com/ubuntu/ bionic main restricted
# deb-src http://us-east-1.ec2.archive.ubuntu.com/ubuntu/ bionic main
deb-src [arch=amd64 signed-by=/usr/share/k.gpg]   https://us-east-1.ec2.archive.ubuntu.com:443/ubuntu bionic universe
deb http://security.ubuntu.com/ubuntu bionic-security main
deb cdrom:[Debian]/ bookworm main]]

local DEB822 = [[
Types: deb
URIs: http://us-east-1.ec2.archive.ubuntu.com/ubuntu/
# http://us-east-1.ec2.archive.ubuntu.com/commented
 http://mirror.example/ubuntu
Suites: noble
X-Note: http://us-east-1.ec2.archive.ubuntu.com/not-a-source

uris: https://user@security.ubuntu.com/ubuntu
]]

local MAP = { ["us-east-1.ec2.archive.ubuntu.com"] = "archive.ubuntu.com" }

describe("apt sources", function()
  it("lists the hosts of active sources only", function()
    assert.same({ "us-east-1.ec2.archive.ubuntu.com", "security.ubuntu.com" }, apt.hosts(ONE_LINE))
    assert.same({ "us-east-1.ec2.archive.ubuntu.com", "mirror.example", "security.ubuntu.com" }, apt.hosts(DEB822))
  end)

  it("rewrites one-line sources as the published sed does, comments left alone", function()
    local expected = ONE_LINE:gsub("\ndeb http://us%-east%-1%.ec2%.", "\ndeb http://")
      :gsub("https://us%-east%-1%.ec2%.", "https://")
    assert.equal(expected, apt.rewrite(ONE_LINE, MAP))
  end)

  it("rewrites deb822 sources, other fields left alone", function()
    local expected = DEB822:gsub("URIs: http://us%-east%-1%.ec2%.", "URIs: http://")
    assert.equal(expected, apt.rewrite(DEB822, MAP))
  end)

  it("gives the same text back when no host is to change", function()
    for _, text in ipairs({ ONE_LINE, DEB822, "", "\n", "deb", "URIs:" }) do
      assert.equal(text, apt.rewrite(text, {}))
    end
  end)

  it("knows which archive stands behind a regional mirror", function()
    assert.same({ "archive.ubuntu.com" }, apt.candidates("us-east-1.ec2.archive.ubuntu.com"))
    assert.same({ "ports.ubuntu.com" }, apt.candidates("eu-west-1.ec2.ports.ubuntu.com"))
    assert.same({ "deb.debian.org" }, apt.candidates("cdn-aws.deb.debian.org"))
    assert.same({}, apt.candidates("mirror.example"))
  end)
end)
