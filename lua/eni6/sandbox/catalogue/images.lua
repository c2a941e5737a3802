--- The machine images that the sandbox knows, and the public SSM parameters that
--- name them (`resolve:ssm:…` as an ImageId).

local M = {}

local CANONICAL, AMAZON, DEBIAN = "099720109477", "137112412989", "136693071363"

local function image(id, owner, name, description, created, more)
  return {
    id = id, owner = owner, name = name, description = description, creation_date = created,
    architecture = more.architecture or "x86_64", root_device = more.root_device or "/dev/sda1",
    owner_alias = owner == AMAZON and "amazon" or nil, boot_mode = more.boot_mode, size = more.size or 8,
    parameter = more.parameter,
  }
end

local UBUNTU = "/aws/service/canonical/ubuntu/server/%s/stable/current/%s/hvm/ebs-gp2/ami-id"

--- The image that the published workflow launches, and the sandbox's IMAGE_ID.
M.default = "ami-0ac019f4fcb7cb7e6"

M.list = {
  image(M.default, CANONICAL, "ubuntu/images/hvm-ssd/ubuntu-bionic-18.04-amd64-server-20180912",
    "Canonical, Ubuntu, 18.04 LTS, amd64 bionic image build on 2018-09-12", "2018-09-12T21:27:41.000Z",
    { parameter = UBUNTU:format("18.04", "amd64") }),
  image("ami-0c7217cdde317cfec", CANONICAL, "ubuntu/images/hvm-ssd/ubuntu-jammy-22.04-amd64-server-20231207",
    "Canonical, Ubuntu, 22.04 LTS, amd64 jammy image build on 2023-12-07", "2023-12-07T09:11:22.000Z",
    { parameter = UBUNTU:format("22.04", "amd64"), boot_mode = "uefi-preferred" }),
  image("ami-05d47d29a4c2d19e1", CANONICAL, "ubuntu/images/hvm-ssd/ubuntu-jammy-22.04-arm64-server-20231207",
    "Canonical, Ubuntu, 22.04 LTS, arm64 jammy image build on 2023-12-07", "2023-12-07T08:10:36.000Z",
    { parameter = UBUNTU:format("22.04", "arm64"), architecture = "arm64", boot_mode = "uefi" }),
  image("ami-0a3c3a20c09d6f377", AMAZON, "al2023-ami-2023.3.20240108.0-kernel-6.1-x86_64",
    "Amazon Linux 2023 AMI 2023.3.20240108.0 x86_64 HVM kernel-6.1", "2024-01-06T04:11:26.000Z",
    { parameter = "/aws/service/ami-amazon-linux-latest/al2023-ami-kernel-default-x86_64", root_device = "/dev/xvda",
      boot_mode = "uefi-preferred" }),
  image("ami-06db4d78cb1d3bbf9", DEBIAN, "debian-12-amd64-20231013-1532", "Debian 12 (20231013-1532)",
    "2023-10-13T15:53:22.000Z", { parameter = "/aws/service/debian/release/12/latest/amd64", root_device = "/dev/xvda" }),
}

--- The id of the image that an SSM parameter names.
---@param name string
---@return string|nil
function M.from_parameter(name)
  for _, known in ipairs(M.list) do
    if known.parameter == name then return known.id end
  end
end

return M
