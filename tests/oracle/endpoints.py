"""What botocore's rule-set engine says of regions, with every combination of the other parameters.

[region, …] -> [{service, region, fips, dualstack, endpoint, url, signing_region, error}, …] for these regions and those that
botocore knows.
"""
import itertools
import json
import os
import sys

import botocore
import botocore.exceptions
from botocore.endpoint_provider import EndpointProvider

DATA = os.path.join(os.path.dirname(botocore.__file__), "data")
CUSTOM = "http://127.0.0.1:4566/x"


def load(name):
    with open(os.path.join(DATA, name)) as file:
        return json.load(file)


def resolve(provider, region, fips, dualstack, endpoint):
    parameters = {"Region": region, "UseFIPS": fips, "UseDualStack": dualstack}
    if endpoint:
        parameters["Endpoint"] = endpoint
    try:
        found = provider.resolve_endpoint(**parameters)
    except botocore.exceptions.EndpointProviderError as error:
        return {"error": str(error)}
    schemes = found.properties.get("authSchemes", [{}])
    return {"url": found.url, "signing_region": schemes[0].get("signingRegion", region)}


partitions = load("partitions.json")
# Of the -global names, only aws-global is one of an endpoint, of STS.
known = [r for p in partitions["partitions"] for r in p["regions"] if not r.endswith("-global")]
services = {"ec2": "ec2/2016-11-15", "sts": "sts/2011-06-15"}
others = json.load(sys.stdin)
answers = []
for service, directory in services.items():
    provider = EndpointProvider(load(directory + "/endpoint-rule-set-1.json"), partitions)
    for region, fips, dualstack, endpoint in itertools.product(known + others, (False, True), (False, True), (None, CUSTOM)):
        answers.append({"service": service, "region": region, "fips": fips, "dualstack": dualstack, "endpoint": endpoint,
                        **resolve(provider, region, fips, dualstack, endpoint)})
json.dump(answers, sys.stdout)
