-- run: lua5.4
-- The commands of the published workflow, typed as published into the real AWS
-- CLI, with the addresses moved to 2001:db8:47b:ca03::/64.
local process = require "eni6.process"
local sandbox = require "support.sandbox"

describe("the published workflow in the AWS CLI", function()
  local it_runs, folder

  setup(function()
    it_runs = sandbox.start()
    folder = assert(process.run { argv = { "mktemp", "-d" } }).stdout:gsub("\n", "")
    assert.equal(0, assert(process.run { argv = { "ssh-keygen", "-q", "-t", "rsa", "-b", "2048", "-N", "", "-C", "me@laptop",
      "-f", folder .. "/id_rsa" } }).status)
  end)

  teardown(function()
    it_runs:stop()
    process.run { argv = { "rm", "-r", folder } }
  end)

  local function aws(...)
    local out, status, err = it_runs:aws { ... }
    assert(status == 0, err)
    return out
  end

  local function create_interface(number, ...)
    local argv = { "create-network-interface", "--subnet-id", it_runs.subnet_id, "--description", "My IPv6 ENI " .. number,
      "--groups", it_runs.security_group_id, "--ipv6-addresses" }
    for _, suffix in ipairs { ... } do argv[#argv + 1] = "Ipv6Address=2001:db8:47b:ca03::" .. suffix end
    for _, more in ipairs { "--query", "NetworkInterface.NetworkInterfaceId", "--output", "text" } do
      argv[#argv + 1] = more
    end
    return aws(table.unpack(argv))
  end

  local function run_instance(interface)
    return aws("run-instances", "--key-name", "me", "--image-id", "ami-0ac019f4fcb7cb7e6", "--instance-type", "r5d.large",
      "--network-interfaces", "DeviceIndex=0,NetworkInterfaceId=" .. interface, "--query", "Instances[0].InstanceId",
      "--output", "text")
  end

  local function first_address(instance)
    return aws("describe-instances", "--filter", "Name=instance-id,Values=" .. instance, "--output", "text", "--query",
      "Reservations[].Instances[].NetworkInterfaces[].Ipv6Addresses[0].Ipv6Address")
  end

  it("creates two interfaces, a key and two instances, and shows their addresses", function()
    local eni1 = create_interface(1, "1:1", "8", "9", "a", "b")
    assert.matches("^eni%-0%x%x%x%x%x%x%x%x%x%x%x%x%x%x%x%x$", eni1)
    local eni2 = create_interface(2, "2:2", "c", "d", "e", "f")
    aws("import-key-pair", "--key-name", "me", "--public-key-material", "fileb://" .. folder .. "/id_rsa.pub")
    assert.equal("me", aws("describe-key-pairs", "--query", "KeyPairs[0].KeyName", "--output", "text"))
    local vm1, vm2 = run_instance(eni1), run_instance(eni2)
    assert.matches("^i%-0%x+$", vm1)
    -- Not the order of the request: the published listing begins with ::8, too.
    assert.equal("2001:db8:47b:ca03::8", first_address(vm1))
    assert.equal("2001:db8:47b:ca03::c", first_address(vm2))
    assert.equal("2001:db8:47b:ca03::8\n2001:db8:47b:ca03::9\n2001:db8:47b:ca03::a\n2001:db8:47b:ca03::b\n2001:db8:47b:ca03::1:1",
      (aws("describe-network-interfaces", "--network-interface-ids", eni1, "--output", "text", "--query",
        "NetworkInterfaces[].Ipv6Addresses[].Ipv6Address"):gsub("\t", "\n")))
    aws("wait", "instance-running", "--instance-ids", vm1, vm2)
    assert.equal("10", aws("describe-instance-types", "--instance-types", "r5d.large", "--query",
      "InstanceTypes[0].NetworkInfo.Ipv6AddressesPerInterface", "--output", "text"))
    assert.equal("2001:db8:47b:ca03::/64", aws("describe-subnets", "--subnet-ids", it_runs.subnet_id, "--query",
      "Subnets[0].Ipv6CidrBlockAssociationSet[0].Ipv6CidrBlock", "--output", "text"))
    aws("terminate-instances", "--instance-ids", vm1, vm2)
    aws("wait", "instance-terminated", "--instance-ids", vm1, vm2)
    aws("delete-network-interface", "--network-interface-id", eni1)
    aws("delete-network-interface", "--network-interface-id", eni2)
    aws("delete-key-pair", "--key-name", "me")
    local state = it_runs:state()
    assert.same({}, state.network_interfaces)
    assert.same({}, state.key_pairs)
  end)

  it("gives an imported key the fingerprint that OpenSSL computes", function()
    local fingerprint = aws("import-key-pair", "--key-name", "other", "--public-key-material", "fileb://" .. folder
      .. "/id_rsa.pub", "--query", "KeyFingerprint", "--output", "text")
    local expected = assert(process.run { argv = { "sh", "-c", "ssh-keygen -e -m PKCS8 -f " .. folder
      .. "/id_rsa.pub | openssl pkey -pubin -outform DER | openssl md5 -c" } }).stdout:match("= ?([%x:]+)")
    assert.equal(expected, fingerprint)
  end)

  it("refuses as EC2 does, with the code in the CLI's message", function()
    local _, status, err = it_runs:aws { "describe-network-interfaces", "--network-interface-ids", "eni-0123456789abcdef0" }
    assert.equal(254, status)
    assert.matches("InvalidNetworkInterfaceID.NotFound", err)
    _, status, err = it_runs:aws { "describe-subnets", "--dry-run" }
    assert.equal(254, status)
    assert.matches("DryRunOperation.*Request would have succeeded, but DryRun flag is set", err)
  end)

  it("refuses wrong secrets, unknown keys and wrong regions", function()
    local function refused(env)
      local _, status, err = it_runs:aws({ "describe-subnets" }, env)
      assert.equal(254, status)
      return err
    end
    assert.matches("SignatureDoesNotMatch", refused { AWS_SECRET_ACCESS_KEY = "wrong" })
    assert.matches("AuthFailure", refused { AWS_ACCESS_KEY_ID = "AKIAUNKNOWN" })
    assert.matches("AuthFailure", refused { AWS_SESSION_TOKEN = "none was given" })
    assert.matches("SignatureDoesNotMatch.*us%-east%-1", refused { AWS_REGION = "eu-west-1", AWS_DEFAULT_REGION = "eu-west-1" })
  end)
end)
