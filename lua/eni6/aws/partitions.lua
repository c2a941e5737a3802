--- AWS's partitions: what host names end in and which regions there are.
-- The facts are those of AWS's SDKs (partitions.json); the first matching partition counts.

local function regions(text)
  local list = {}
  for name in text:gmatch("%S+") do list[#list + 1] = name end
  return list
end

return {
  {
    id = "aws", suffix = "amazonaws.com", dualstack_suffix = "api.aws",
    regions = regions [[
      af-south-1 ap-east-1 ap-east-2 ap-northeast-1 ap-northeast-2 ap-northeast-3 ap-south-1 ap-south-2
      ap-southeast-1 ap-southeast-2 ap-southeast-3 ap-southeast-4 ap-southeast-5 ap-southeast-6 ap-southeast-7
      ca-central-1 ca-west-1 eu-central-1 eu-central-2 eu-north-1 eu-south-1 eu-south-2 eu-west-1 eu-west-2 eu-west-3
      il-central-1 me-central-1 me-south-1 me-west-1 mx-central-1 sa-east-1 sa-west-1
      us-east-1 us-east-2 us-west-1 us-west-2]],
  },
  {
    id = "aws-cn", suffix = "amazonaws.com.cn", dualstack_suffix = "api.amazonwebservices.com.cn",
    regions = regions "cn-north-1 cn-northwest-1",
  },
  {
    id = "aws-us-gov", suffix = "amazonaws.com", dualstack_suffix = "api.aws", fips_is_default = true,
    regions = regions "us-gov-east-1 us-gov-west-1",
  },
  {
    id = "aws-eusc", suffix = "amazonaws.eu", dualstack_suffix = "api.amazonwebservices.eu",
    regions = regions "eusc-de-east-1",
  },
  {
    id = "aws-iso", suffix = "c2s.ic.gov", dualstack_suffix = "api.aws.ic.gov",
    regions = regions "us-iso-east-1 us-iso-west-1",
  },
  {
    id = "aws-iso-b", suffix = "sc2s.sgov.gov", dualstack_suffix = "api.aws.scloud",
    regions = regions "us-isob-east-1 us-isob-west-1",
  },
  {
    id = "aws-iso-e", suffix = "cloud.adc-e.uk", dualstack_suffix = "api.cloud-aws.adc-e.uk",
    regions = regions "eu-isoe-west-1",
  },
  {
    id = "aws-iso-f", suffix = "csp.hci.ic.gov", dualstack_suffix = "api.aws.hci.ic.gov",
    regions = regions "us-isof-east-1 us-isof-south-1",
  },
}
