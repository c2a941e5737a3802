"""Every region that botocore knows, in every variant: {} -> [{service, region, fips, dualstack, url or false}, …]."""
import itertools
import json
import os
import sys

import botocore
import botocore.exceptions
from botocore.endpoint_provider import EndpointProvider

DATA = os.path.join(os.path.dirname(botocore.__file__), "data")


def load(name):
    with open(os.path.join(DATA, name)) as file:
        return json.load(file)


def url_of(provider, region, fips, dualstack):
    try:
        return provider.resolve_endpoint(Region=region, UseFIPS=fips, UseDualStack=dualstack).url
    except botocore.exceptions.EndpointProviderError:
        return False


partitions = load("partitions.json")
# The -global names are no regions of EC2's or STS's.
regions = [r for p in partitions["partitions"] for r in p["regions"] if not r.endswith("-global")]
services = {"ec2": "ec2/2016-11-15", "sts": "sts/2011-06-15"}
answers = []
for service, directory in services.items():
    provider = EndpointProvider(load(directory + "/endpoint-rule-set-1.json"), partitions)
    for region, fips, dualstack in itertools.product(regions, (False, True), (False, True)):
        answers.append({"service": service, "region": region, "fips": fips, "dualstack": dualstack,
                        "url": url_of(provider, region, fips, dualstack)})
json.load(sys.stdin)
json.dump(answers, sys.stdout)
