local base64 = require "eni6.base64"
local cli = require "support.cli"
local fake_http = require "support.fake_http"

describe("what the AWS CLI adds to EC2's operations", function()
  it("decrypts a password with the key of the launch", function()
    local folder = os.tmpname()
    os.remove(folder)
    assert(os.execute("mkdir " .. folder .. " && cd " .. folder .. " && openssl genrsa -out key 2048 2>/dev/null"
      .. " && printf 'pass word' | openssl pkeyutl -encrypt -inkey key -out data"))
    local file = assert(io.open(folder .. "/data", "rb"))
    local data = base64.encode(file:read("a"))
    file:close()
    local function said(key)
      return cli.run({ "ec2", "get-password-data", "--instance-id", "i-1", "--priv-launch-key", key, "--query", "PasswordData" },
        { answer = function() return fake_http.ok("GetPasswordData", "<passwordData>" .. data .. "</passwordData>") end })
    end
    assert.equal('"pass word"\n', said(folder .. "/key").stdout)
    local wrong = said(folder .. "/data")
    assert.equal(255, wrong.status)
    assert.match("Unable to decrypt password data", wrong.stderr)
    os.execute("rm -r " .. folder)
  end)

  it("bundles into the place that scalar options name", function()
    local result = cli.run({ "ec2", "bundle-instance", "--instance-id", "i-1", "--bucket", "b", "--prefix", "p",
      "--owner-akid", "a", "--cli-binary-format", "raw-in-base64-out" })
    assert.equal(0, result.status, result.stderr)
    local sent = result.requests[1].parameters
    assert.same({ "b", "p", "a" }, { sent["Storage.S3.Bucket"], sent["Storage.S3.Prefix"], sent["Storage.S3.AWSAccessKeyId"] })
    assert.match('{"bucket": "b"},{"acl": "ec2%-bundle%-read"},%["starts%-with", "$key", "p"%]',
      base64.decode(sent["Storage.S3.UploadPolicy"]))
    assert.equal(255, cli.run({ "ec2", "bundle-instance", "--instance-id", "i-1", "--owner-sak", "x" }).status)
  end)

  it("asks for long lists a thousand at a time", function()
    local function size(...) return cli.run({ "ec2", ... }).requests[1].parameters.MaxResults end
    assert.equal("1000", size("describe-volumes"))
    assert.equal("1000", size("describe-snapshots", "--owner-ids", "self"))
    assert.equal("5", size("describe-snapshots", "--page-size", "5"))
    assert.is_nil(size("describe-snapshots", "--snapshot-ids", "snap-1"))
    assert.is_nil(size("describe-volumes", "--no-paginate"))
    assert.is_nil(size("describe-vpcs"))
  end)
end)
