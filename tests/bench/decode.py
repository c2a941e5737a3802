#!/usr/bin/python3
"""CPU seconds that botocore takes to parse a DescribeNetworkInterfaces page: decode.py FILE REPEATS"""

import gc
import sys
import time

from botocore import parsers
from botocore.loaders import Loader
from botocore.model import ServiceModel

model = ServiceModel(Loader().load_service_model("ec2", "service-2"), "ec2")
shape = model.operation_model("DescribeNetworkInterfaces").output_shape
with open(sys.argv[1], "rb") as file:
    body = file.read()
# Without dateutil: it would cost more than all the rest, and ours leaves times as text.
parser = parsers.EC2QueryParser(timestamp_parser=lambda text: text)
best = float("inf")
for _ in range(int(sys.argv[2])):
    gc.collect()
    start = time.process_time()
    result = parser.parse({"body": body, "headers": {}, "status_code": 200}, shape)
    best = min(best, time.process_time() - start)
print(best, len(result["NetworkInterfaces"]))
