"""What a person writes with boto3 to provision hosts: argument 1 is how many, 2 how many at a time."""
import os
import sys
from concurrent.futures import ThreadPoolExecutor

import boto3

COUNT, THREADS = int(sys.argv[1]), int(sys.argv[2])
PREFIX = "2001:db8:47b:ca03::"
ec2 = boto3.client("ec2", endpoint_url=os.environ["AWS_ENDPOINT_URL"])


def tags(kind, host):
    return [{"ResourceType": kind, "Tags": [{"Key": "eni6:plan", "Value": "boto3"}, {"Key": "Name", "Value": host}]}]


def provision(number):
    host, block = f"host-{number}", 8 + 4 * number
    addresses = [f"{PREFIX}1:{number:x}"] + [f"{PREFIX}{block + i:x}" for i in range(4)]
    interface = ec2.create_network_interface(
        SubnetId=os.environ["SUBNET_ID"], Groups=[os.environ["SECURITY_GROUP_ID"]], Description=host,
        Ipv6Addresses=[{"Ipv6Address": address} for address in addresses],
        TagSpecifications=tags("network-interface", host))["NetworkInterface"]["NetworkInterfaceId"]
    return ec2.run_instances(
        ImageId=os.environ["IMAGE_ID"], InstanceType="r5d.large", MinCount=1, MaxCount=1,
        NetworkInterfaces=[{"DeviceIndex": 0, "NetworkInterfaceId": interface}],
        TagSpecifications=tags("instance", host))["Instances"][0]["InstanceId"]


ec2.describe_subnets(SubnetIds=[os.environ["SUBNET_ID"]])
with ThreadPoolExecutor(THREADS) as pool:
    ids = list(pool.map(provision, range(1, COUNT + 1)))
ec2.get_waiter("instance_running").wait(InstanceIds=ids, WaiterConfig={"Delay": 1})
for reservation in ec2.describe_instances(InstanceIds=ids)["Reservations"]:
    for instance in reservation["Instances"]:
        print(instance["InstanceId"], instance["State"]["Name"])
