"""usage: calls_boto3.py URL COUNT THREADS: the calls of calls.lua with boto3. Prints JSON: seconds, CPU seconds, KiB, failures."""
import concurrent.futures
import json
import resource
import sys
import time

import boto3
import botocore.config
import botocore.exceptions

url, count, threads = sys.argv[1], int(sys.argv[2]), int(sys.argv[3])
ec2 = boto3.client(
    "ec2", region_name="us-east-1", endpoint_url=url, aws_access_key_id="AKIDEXAMPLE", aws_secret_access_key="secret",
    config=botocore.config.Config(max_pool_connections=threads, retries={"mode": "standard", "max_attempts": 3}))


def call(_):
    try:
        return len(ec2.describe_key_pairs()["KeyPairs"]) == 5
    except botocore.exceptions.BotoCoreError:
        return False


call(0)
wall, cpu = time.monotonic(), time.process_time()
with concurrent.futures.ThreadPoolExecutor(threads) as pool:
    succeeded = sum(pool.map(call, range(count)))
print(json.dumps({
    "wall": time.monotonic() - wall, "cpu": time.process_time() - cpu, "failed": count - succeeded,
    "memory": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss}))
