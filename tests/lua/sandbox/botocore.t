#!/usr/bin/python3
"""The sandbox as botocore sees it: what the answers mean, and that their XML has
only what EC2's model has."""
import base64
import hashlib
import os
import subprocess
import sys
import tempfile

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "..", "support"))
from sandbox_client import Sandbox, Tap, refusal  # noqa: E402

PREFIX = "2001:db8:47b:ca03::"


def addresses(*suffixes):
    return [{"Ipv6Address": PREFIX + suffix} for suffix in suffixes]


def tags(kind, **values):
    return [{"ResourceType": kind, "Tags": [{"Key": k, "Value": v} for k, v in values.items()]}]


def equal(a, b):
    assert a == b, "%r is not %r" % (a, b)


def interface(ec2, box, **more):
    return ec2.create_network_interface(SubnetId=box.subnet, **more)["NetworkInterface"]


def launch(ec2, box, eni=None, **more):
    settings = dict(ImageId=box.image, InstanceType="r5d.large", MinCount=1, MaxCount=1)
    if eni:
        settings["NetworkInterfaces"] = [{"DeviceIndex": 0, "NetworkInterfaceId": eni}]
    settings.update(more)
    return ec2.run_instances(**settings)["Instances"]


def own(eni):
    return [item["Ipv6Address"] for item in eni["Ipv6Addresses"]]


def described(ec2, eni):
    return ec2.describe_network_interfaces(NetworkInterfaceIds=[eni])["NetworkInterfaces"][0]


def whole_life(ec2, box):
    """Interface, key, instance, status, stop, start, terminate, delete."""
    eni = interface(ec2, box, Groups=[box.group], Description="one", Ipv6Addresses=addresses("1:1", "8", "9", "a", "b"),
                    TagSpecifications=tags("network-interface", plan="p", host="h"))
    equal(own(eni), [PREFIX + s for s in ("8", "9", "a", "b", "1:1")])
    equal((eni["Status"], eni["Description"], eni["SubnetId"], eni["VpcId"]), ("pending", "one", box.subnet, box.vpc))
    equal(sorted((t["Key"], t["Value"]) for t in eni["TagSet"]), [("host", "h"), ("plan", "p")])
    eni = described(ec2, eni["NetworkInterfaceId"])
    equal(eni["Status"], "available")
    user_data = "#cloud-config\npackages: [docker.io]\n# < & > \"\n"
    instance = launch(ec2, box, eni["NetworkInterfaceId"], UserData=user_data,
                      TagSpecifications=tags("instance", plan="p"),
                      MetadataOptions={"HttpTokens": "required", "HttpProtocolIpv6": "enabled", "InstanceMetadataTags": "enabled"})[0]
    equal(instance["State"], {"Code": 0, "Name": "pending"})
    id = instance["InstanceId"]
    ec2.get_waiter("instance_running").wait(InstanceIds=[id])
    ec2.get_waiter("instance_status_ok").wait(InstanceIds=[id])
    instance = ec2.describe_instances(InstanceIds=[id])["Reservations"][0]["Instances"][0]
    equal(instance["NetworkInterfaces"][0]["NetworkInterfaceId"], eni["NetworkInterfaceId"])
    equal(instance["NetworkInterfaces"][0]["Attachment"]["DeleteOnTermination"], False)
    equal(instance["MetadataOptions"]["HttpTokens"], "required")
    equal(instance["Tags"], [{"Key": "plan", "Value": "p"}])
    attribute = ec2.describe_instance_attribute(InstanceId=id, Attribute="userData")["UserData"]["Value"]
    equal(base64.b64decode(attribute).decode(), user_data)
    eni = described(ec2, eni["NetworkInterfaceId"])
    equal((eni["Status"], eni["Attachment"]["Status"], eni["Attachment"]["InstanceId"]), ("in-use", "attached", id))
    equal(ec2.stop_instances(InstanceIds=[id])["StoppingInstances"][0]["CurrentState"]["Name"], "stopping")
    ec2.get_waiter("instance_stopped").wait(InstanceIds=[id])
    equal(ec2.start_instances(InstanceIds=[id])["StartingInstances"][0]["PreviousState"]["Name"], "stopped")
    ec2.get_waiter("instance_running").wait(InstanceIds=[id])
    ec2.reboot_instances(InstanceIds=[id])
    ec2.get_console_output(InstanceId=id)
    equal(ec2.terminate_instances(InstanceIds=[id])["TerminatingInstances"][0]["PreviousState"]["Name"], "running")
    ec2.get_waiter("instance_terminated").wait(InstanceIds=[id])
    for call in (ec2.start_instances, ec2.stop_instances, ec2.reboot_instances):
        equal(refusal(call, InstanceIds=[id]), ("IncorrectInstanceState", 400))
    equal(described(ec2, eni["NetworkInterfaceId"])["Status"], "available")
    ec2.get_waiter("network_interface_available").wait(NetworkInterfaceIds=[eni["NetworkInterfaceId"]])
    ec2.delete_network_interface(NetworkInterfaceId=eni["NetworkInterfaceId"])
    equal(ec2.describe_network_interfaces()["NetworkInterfaces"], [])
    # The addresses are free again.
    interface(ec2, box, Ipv6Addresses=addresses("8", "1:1"))


def launch_makes_interfaces(ec2, box):
    """An instance's own interfaces: two of them, groups, addresses, which go when it goes."""
    instance = launch(ec2, box, NetworkInterfaces=[
        {"DeviceIndex": 0, "SubnetId": box.subnet, "Groups": [box.group], "Ipv6AddressCount": 2},
        {"DeviceIndex": 1, "SubnetId": box.subnet, "Ipv6Prefixes": [{"Ipv6Prefix": "2001:db8:47b:ca03:1::/80"}],
         "DeleteOnTermination": False, "Description": "stays"}],
        TagSpecifications=tags("network-interface", made="yes"))[0]
    first, second = instance["NetworkInterfaces"]
    equal(len(first["Ipv6Addresses"]), 2)
    assert all(a["Ipv6Address"].startswith("2001:db8:47b:ca03:") for a in first["Ipv6Addresses"])
    equal(second["Ipv6Prefixes"], [{"Ipv6Prefix": "2001:db8:47b:ca03:1::/80"}])
    equal([i["Attachment"]["DeleteOnTermination"] for i in (first, second)], [True, False])
    equal(instance["Ipv6Address"], first["Ipv6Addresses"][0]["Ipv6Address"])
    made = ec2.describe_network_interfaces(Filters=[{"Name": "tag:made", "Values": ["yes"]}])["NetworkInterfaces"]
    equal(len(made), 2)
    ec2.terminate_instances(InstanceIds=[instance["InstanceId"]])
    left = ec2.describe_network_interfaces()["NetworkInterfaces"]
    equal([(i["Description"], i["Status"]) for i in left], [("stays", "available")])
    several = launch(ec2, box, SubnetId=box.subnet, SecurityGroupIds=[box.group], Ipv6AddressCount=1, MinCount=3, MaxCount=3)
    equal([i["AmiLaunchIndex"] for i in several], [0, 1, 2])
    equal(len({i["NetworkInterfaces"][0]["Ipv6Addresses"][0]["Ipv6Address"] for i in several}), 3)
    equal(len({i["PrivateIpAddress"] for i in several}), 3)
    pages = ec2.get_paginator("describe_instances").paginate(PaginationConfig={"PageSize": 5})
    equal(sum(len(r["Instances"]) for p in pages for r in p["Reservations"]), 4)


def assign_and_unassign(ec2, box):
    eni = interface(ec2, box)["NetworkInterfaceId"]
    answer = ec2.assign_ipv6_addresses(NetworkInterfaceId=eni, Ipv6Addresses=[PREFIX + "2:3", PREFIX + "2:2"])
    equal(answer["AssignedIpv6Addresses"], [PREFIX + "2:2", PREFIX + "2:3"])
    answer = ec2.assign_ipv6_addresses(NetworkInterfaceId=eni, Ipv6AddressCount=3)
    equal(len(answer["AssignedIpv6Addresses"]), 3)  # the new ones only
    prefix = ec2.assign_ipv6_addresses(NetworkInterfaceId=eni, Ipv6PrefixCount=2)["AssignedIpv6Prefixes"]
    equal(len(prefix), 2)
    now = described(ec2, eni)
    equal(len(now["Ipv6Addresses"]), 5)
    equal([p["Ipv6Prefix"] for p in now["Ipv6Prefixes"]], prefix)
    answer = ec2.unassign_ipv6_addresses(NetworkInterfaceId=eni, Ipv6Addresses=[PREFIX + "2:2"], Ipv6Prefixes=prefix[:1])
    equal((answer["UnassignedIpv6Addresses"], answer["UnassignedIpv6Prefixes"]), ([PREFIX + "2:2"], prefix[:1]))
    equal(len(described(ec2, eni)["Ipv6Addresses"]), 4)
    other = interface(ec2, box, Ipv6Addresses=addresses("2:2"))
    equal(own(other), [PREFIX + "2:2"])


def attach_and_detach(ec2, box):
    first, second = interface(ec2, box)["NetworkInterfaceId"], interface(ec2, box)["NetworkInterfaceId"]
    instance = launch(ec2, box, first)[0]["InstanceId"]
    attachment = ec2.attach_network_interface(NetworkInterfaceId=second, InstanceId=instance, DeviceIndex=1)["AttachmentId"]
    ec2.modify_network_interface_attribute(NetworkInterfaceId=second, Attachment={
        "AttachmentId": attachment, "DeleteOnTermination": True})
    shown = ec2.describe_network_interface_attribute(NetworkInterfaceId=second, Attribute="attachment")["Attachment"]
    equal((shown["DeleteOnTermination"], shown["DeviceIndex"]), (True, 1))
    equal(len(ec2.describe_instances()["Reservations"][0]["Instances"][0]["NetworkInterfaces"]), 2)
    ec2.detach_network_interface(AttachmentId=attachment)
    equal(described(ec2, second)["Status"], "available")
    ec2.modify_network_interface_attribute(NetworkInterfaceId=second, Description={"Value": "new"})
    ec2.modify_network_interface_attribute(NetworkInterfaceId=second, SourceDestCheck={"Value": False})
    ec2.modify_network_interface_attribute(NetworkInterfaceId=second, Groups=[box.group])
    now = described(ec2, second)
    equal((now["Description"], now["SourceDestCheck"], now["Groups"][0]["GroupId"]), ("new", False, box.group))
    for attribute in ("description", "groupSet", "sourceDestCheck"):
        ec2.describe_network_interface_attribute(NetworkInterfaceId=second, Attribute=attribute)
    ec2.reset_network_interface_attribute(NetworkInterfaceId=second, SourceDestCheck="true")
    equal(described(ec2, second)["SourceDestCheck"], True)


def instance_attributes(ec2, box):
    instance = launch(ec2, box, SubnetId=box.subnet)[0]["InstanceId"]

    def attribute(name):
        return ec2.describe_instance_attribute(InstanceId=instance, Attribute=name)

    ec2.modify_instance_attribute(InstanceId=instance, DisableApiTermination={"Value": True})
    equal(attribute("disableApiTermination")["DisableApiTermination"], {"Value": True})
    equal(refusal(ec2.terminate_instances, InstanceIds=[instance]), ("OperationNotPermitted", 400))
    ec2.modify_instance_attribute(InstanceId=instance, DisableApiTermination={"Value": False})
    ec2.modify_instance_attribute(InstanceId=instance, Groups=[box.group])
    equal(attribute("groupSet")["Groups"][0]["GroupId"], box.group)
    ec2.modify_instance_attribute(InstanceId=instance, SourceDestCheck={"Value": False})
    equal(attribute("sourceDestCheck")["SourceDestCheck"], {"Value": False})
    equal(refusal(ec2.modify_instance_attribute, InstanceId=instance, InstanceType={"Value": "m5.large"}),
          ("IncorrectInstanceState", 400))
    ec2.stop_instances(InstanceIds=[instance])
    ec2.modify_instance_attribute(InstanceId=instance, InstanceType={"Value": "m5.large"})
    ec2.modify_instance_attribute(InstanceId=instance, UserData={"Value": b"new"})
    equal(attribute("instanceType")["InstanceType"], {"Value": "m5.large"})
    equal(base64.b64decode(attribute("userData")["UserData"]["Value"]), b"new")
    ec2.create_tags(Resources=[instance], Tags=[{"Key": "eni6:plan", "Value": "a/b"}])
    ec2.modify_instance_metadata_options(InstanceId=instance, InstanceMetadataTags="enabled")
    equal(refusal(ec2.create_tags, Resources=[instance], Tags=[{"Key": "a/b", "Value": ""}]), ("InvalidParameterValue", 400))
    equal(refusal(launch, ec2, box, SubnetId=box.subnet, MetadataOptions={"InstanceMetadataTags": "enabled"},
                  TagSpecifications=tags("instance", **{"a b": ""})), ("InvalidParameterValue", 400))
    for name in ("instanceInitiatedShutdownBehavior", "ebsOptimized", "rootDeviceName", "enaSupport", "disableApiStop"):
        attribute(name)
    options = ec2.modify_instance_metadata_options(InstanceId=instance, HttpTokens="required")["InstanceMetadataOptions"]
    equal((options["HttpTokens"], options["HttpEndpoint"]), ("required", "enabled"))


def a_vpc_of_ones_own(ec2, box):
    """What `vpc = { … }` makes, and in which order it comes down."""
    vpc = ec2.create_vpc(CidrBlock="10.1.0.0/16", AmazonProvidedIpv6CidrBlock=True,
                         TagSpecifications=tags("vpc", plan="p"))["Vpc"]["VpcId"]
    ec2.get_waiter("vpc_available").wait(VpcIds=[vpc])
    ec2.modify_vpc_attribute(VpcId=vpc, EnableDnsHostnames={"Value": True})
    equal(ec2.describe_vpc_attribute(VpcId=vpc, Attribute="enableDnsHostnames")["EnableDnsHostnames"], {"Value": True})
    block = ec2.describe_vpcs(VpcIds=[vpc])["Vpcs"][0]["Ipv6CidrBlockAssociationSet"][0]
    assert block["Ipv6CidrBlock"].endswith("00::/56"), block
    equal(block["Ipv6CidrBlockState"], {"State": "associated"})
    subnet = ec2.create_subnet(VpcId=vpc, CidrBlock="10.1.1.0/24", AvailabilityZone="us-east-1b",
                               Ipv6CidrBlock=block["Ipv6CidrBlock"].replace("00::/56", "07::/64"))["Subnet"]["SubnetId"]
    ec2.get_waiter("subnet_available").wait(SubnetIds=[subnet])
    ec2.modify_subnet_attribute(SubnetId=subnet, AssignIpv6AddressOnCreation={"Value": True})
    gateway = ec2.create_internet_gateway()["InternetGateway"]["InternetGatewayId"]
    ec2.attach_internet_gateway(InternetGatewayId=gateway, VpcId=vpc)
    table = ec2.create_route_table(VpcId=vpc, TagSpecifications=tags("route-table", plan="p"))["RouteTable"]["RouteTableId"]
    equal(ec2.create_route(RouteTableId=table, DestinationIpv6CidrBlock="::/0", GatewayId=gateway)["Return"], True)
    association = ec2.associate_route_table(RouteTableId=table, SubnetId=subnet)["AssociationId"]
    routes = ec2.describe_route_tables(Filters=[{"Name": "association.subnet-id", "Values": [subnet]}])["RouteTables"][0]["Routes"]
    equal([(r.get("DestinationIpv6CidrBlock"), r["GatewayId"], r["State"]) for r in routes][-1], ("::/0", gateway, "active"))
    group = ec2.create_security_group(GroupName="ping", Description="ICMPv6", VpcId=vpc)["GroupId"]
    permission = [{"IpProtocol": "icmpv6", "FromPort": -1, "ToPort": -1, "Ipv6Ranges": [{"CidrIpv6": "::/0", "Description": "ping"}]}]
    rule = ec2.authorize_security_group_ingress(GroupId=group, IpPermissions=permission)["SecurityGroupRules"][0]
    equal((rule["CidrIpv6"], rule["IsEgress"], rule["IpProtocol"]), ("::/0", False, "icmpv6"))
    shown = ec2.describe_security_groups(GroupIds=[group])["SecurityGroups"][0]
    equal(shown["IpPermissions"][0]["Ipv6Ranges"], [{"CidrIpv6": "::/0", "Description": "ping"}])
    equal(refusal(ec2.authorize_security_group_ingress, GroupId=group, IpPermissions=permission), ("InvalidPermission.Duplicate", 400))
    wider = [dict(permission[0], IpProtocol="tcp", FromPort=80, ToPort=443, Ipv6Ranges=[{"CidrIpv6": c} for c in (
        "2001:db8::/32", "2001:db8:1::/48")], UserIdGroupPairs=[{"GroupId": group}])]
    equal(len(ec2.authorize_security_group_ingress(GroupId=group, IpPermissions=wider)["SecurityGroupRules"]), 3)
    shown = ec2.describe_security_groups(Filters=[{"Name": "ip-permission.from-port", "Values": ["80"]}])["SecurityGroups"][0]
    equal([len(p["Ipv6Ranges"]) for p in shown["IpPermissions"]], [1, 2])
    equal(shown["IpPermissions"][1]["UserIdGroupPairs"][0]["GroupId"], group)
    rules = ec2.describe_security_group_rules(Filters=[{"Name": "group-id", "Values": [group]}])["SecurityGroupRules"]
    equal(sorted(r.get("CidrIpv6", "") for r in rules if r.get("FromPort") == 80), ["", "2001:db8:1::/48", "2001:db8::/32"])
    ec2.revoke_security_group_ingress(GroupId=group, SecurityGroupRuleIds=[
        r["SecurityGroupRuleId"] for r in rules if r.get("FromPort") == 80])
    outgoing = [{"IpProtocol": "-1", "IpRanges": [{"CidrIp": "0.0.0.0/0"}]}]
    ec2.revoke_security_group_egress(GroupId=group, IpPermissions=outgoing)
    ec2.authorize_security_group_egress(GroupId=group, IpPermissions=outgoing)
    eni = ec2.create_network_interface(SubnetId=subnet, Groups=[group])["NetworkInterface"]
    equal(len(eni["Ipv6Addresses"]), 1)  # AssignIpv6AddressOnCreation
    for more, expected in (({"Ipv6AddressCount": 0}, 0), ({"Ipv6AddressCount": 2}, 2), ({"Ipv6PrefixCount": 1}, 1), (
            {"Ipv6Addresses": [{"Ipv6Address": block["Ipv6CidrBlock"].replace("00::/56", "07::8")}]}, 2)):
        other = ec2.create_network_interface(SubnetId=subnet, Groups=[group], **more)["NetworkInterface"]
        equal(len(other["Ipv6Addresses"]), expected)
        ec2.delete_network_interface(NetworkInterfaceId=other["NetworkInterfaceId"])
    for call, parameters in (
            (ec2.delete_subnet, {"SubnetId": subnet}), (ec2.delete_security_group, {"GroupId": group}),
            (ec2.delete_vpc, {"VpcId": vpc}), (ec2.delete_internet_gateway, {"InternetGatewayId": gateway}),
            (ec2.delete_route_table, {"RouteTableId": table})):
        equal(refusal(call, **parameters), ("DependencyViolation", 400))
    ec2.delete_network_interface(NetworkInterfaceId=eni["NetworkInterfaceId"])
    ec2.revoke_security_group_ingress(GroupId=group, IpPermissions=permission)
    equal(refusal(ec2.revoke_security_group_ingress, GroupId=group, IpPermissions=permission), ("InvalidPermission.NotFound", 400))
    ec2.delete_security_group(GroupId=group)
    ec2.disassociate_route_table(AssociationId=association)
    ec2.delete_route(RouteTableId=table, DestinationIpv6CidrBlock="::/0")
    ec2.delete_route_table(RouteTableId=table)
    ec2.delete_subnet(SubnetId=subnet)
    equal(refusal(ec2.delete_vpc, VpcId=vpc), ("DependencyViolation", 400))  # the gateway
    ec2.detach_internet_gateway(InternetGatewayId=gateway, VpcId=vpc)
    ec2.delete_internet_gateway(InternetGatewayId=gateway)
    ec2.delete_vpc(VpcId=vpc)
    equal([v["VpcId"] for v in ec2.describe_vpcs()["Vpcs"]], [box.vpc])


def blocks_later(ec2, box):
    """IPv6 blocks associated with a VPC and a subnet that exist already."""
    vpc = ec2.create_vpc(CidrBlock="10.2.0.0/16")["Vpc"]["VpcId"]
    subnet = ec2.create_subnet(VpcId=vpc, CidrBlock="10.2.0.0/24")["Subnet"]["SubnetId"]
    equal(refusal(ec2.create_network_interface, SubnetId=subnet, Ipv6AddressCount=1), ("InvalidParameterValue", 400))
    equal(refusal(ec2.modify_subnet_attribute, SubnetId=subnet, AssignIpv6AddressOnCreation={"Value": True}),
          ("InvalidParameterValue", 400))
    association = ec2.associate_vpc_cidr_block(VpcId=vpc, AmazonProvidedIpv6CidrBlock=True)["Ipv6CidrBlockAssociation"]
    block = ec2.describe_vpcs(VpcIds=[vpc])["Vpcs"][0]["Ipv6CidrBlockAssociationSet"][0]["Ipv6CidrBlock"]
    mine = block.replace("00::/56", "01::/64")
    inner = ec2.associate_subnet_cidr_block(SubnetId=subnet, Ipv6CidrBlock=mine)["Ipv6CidrBlockAssociation"]
    equal(inner["Ipv6CidrBlock"], mine)
    equal(refusal(ec2.disassociate_vpc_cidr_block, AssociationId=association["AssociationId"]), ("DependencyViolation", 400))
    eni = ec2.create_network_interface(SubnetId=subnet, Ipv6AddressCount=1)["NetworkInterface"]
    equal(refusal(ec2.disassociate_subnet_cidr_block, AssociationId=inner["AssociationId"]), ("DependencyViolation", 400))
    ec2.delete_network_interface(NetworkInterfaceId=eni["NetworkInterfaceId"])
    equal(ec2.disassociate_subnet_cidr_block(AssociationId=inner["AssociationId"])["SubnetId"], subnet)
    ec2.disassociate_vpc_cidr_block(AssociationId=association["AssociationId"])
    native = ec2.create_subnet(VpcId=box.vpc, Ipv6Native=True, Ipv6CidrBlock="2001:db8:47b:ca04::/64")["Subnet"]
    equal(native["Ipv6Native"], True)
    eni = ec2.create_network_interface(SubnetId=native["SubnetId"])["NetworkInterface"]
    equal((len(eni["Ipv6Addresses"]), eni.get("PrivateIpAddress")), (1, None))


def a_full_subnet(ec2, box):
    """A /28 has 16 private IPv4 addresses, five of them EC2's."""
    subnet = ec2.create_subnet(VpcId=box.vpc, CidrBlock="10.0.16.0/28")["Subnet"]
    equal(subnet["AvailableIpAddressCount"], 11)
    ec2.create_network_interface(SubnetId=subnet["SubnetId"], PrivateIpAddress="10.0.16.14", SecondaryPrivateIpAddressCount=1)
    more = dict(ImageId=box.image, InstanceType="t3.micro", SubnetId=subnet["SubnetId"])
    equal(refusal(ec2.run_instances, MinCount=10, MaxCount=10, **more), ("InsufficientFreeAddressesInSubnet", 400))
    made = ec2.run_instances(MinCount=9, MaxCount=9, **more)["Instances"]
    equal(len({i["PrivateIpAddress"] for i in made}), 9)
    equal(refusal(ec2.create_network_interface, SubnetId=subnet["SubnetId"]), ("InsufficientFreeAddressesInSubnet", 400))
    ec2.terminate_instances(InstanceIds=[made[0]["InstanceId"]])
    eni = ec2.create_network_interface(SubnetId=subnet["SubnetId"])["NetworkInterface"]
    equal(eni["PrivateIpAddress"], made[0]["PrivateIpAddress"])


def reservations(ec2, box):
    """Automatic assignment keeps out of explicit ranges and takes prefixes from prefix ranges."""
    made = ec2.create_subnet_cidr_reservation(SubnetId=box.subnet, Cidr="2001:db8:47b:ca03::/65", ReservationType="explicit",
                                              Description="ours")["SubnetCidrReservation"]
    prefix = ec2.create_subnet_cidr_reservation(SubnetId=box.subnet, Cidr="2001:db8:47b:ca03:ff00::/79", ReservationType="prefix")
    shown = ec2.get_subnet_cidr_reservations(SubnetId=box.subnet)["SubnetIpv6CidrReservations"]
    equal([r["Cidr"] for r in shown], ["2001:db8:47b:ca03::/65", "2001:db8:47b:ca03:ff00::/79"])
    equal(refusal(ec2.create_subnet_cidr_reservation, SubnetId=box.subnet, Cidr="2001:db8:47b:ca03::/80",
                  ReservationType="prefix"), ("InvalidCidr.InUse", 400))
    eni = interface(ec2, box, Ipv6AddressCount=30)
    assert all(int(a.split(":")[4], 16) >= 0x8000 for a in own(eni)), own(eni)
    holder = interface(ec2, box, Ipv6PrefixCount=2)["Ipv6Prefixes"]
    equal(sorted(p["Ipv6Prefix"] for p in holder), ["2001:db8:47b:ca03:ff00::/80", "2001:db8:47b:ca03:ff01::/80"])
    equal(refusal(ec2.create_network_interface, SubnetId=box.subnet, Ipv6PrefixCount=1), ("InsufficientCidrBlocks", 400))
    interface(ec2, box, Ipv6Addresses=addresses("1:1"))  # explicit ones are taken from there
    gone = ec2.delete_subnet_cidr_reservation(SubnetCidrReservationId=made["SubnetCidrReservationId"])
    equal(gone["DeletedSubnetCidrReservation"]["Description"], "ours")
    ec2.delete_subnet_cidr_reservation(SubnetCidrReservationId=prefix["SubnetCidrReservation"]["SubnetCidrReservationId"])
    equal(ec2.get_subnet_cidr_reservations(SubnetId=box.subnet)["SubnetIpv6CidrReservations"], [])


def keys(ec2, box):
    with tempfile.TemporaryDirectory() as folder:
        for kind in ("ed25519", "rsa"):
            path = os.path.join(folder, kind)
            subprocess.run(["ssh-keygen", "-q", "-t", kind, "-N", "", "-C", "a comment", "-f", path], check=True)
            public = open(path + ".pub", "rb").read()
            imported = ec2.import_key_pair(KeyName=kind, PublicKeyMaterial=public, TagSpecifications=tags("key-pair", a="b"))
            if kind == "ed25519":
                wanted = base64.b64encode(hashlib.sha256(base64.b64decode(public.split()[1])).digest()).decode()
                equal(imported["KeyFingerprint"], wanted)
            shown = ec2.describe_key_pairs(KeyNames=[kind], IncludePublicKey=True)["KeyPairs"][0]
            equal((shown["KeyType"], shown["PublicKey"].split()[1]), (kind, public.decode().split()[1]))
            made = ec2.create_key_pair(KeyName="made-" + kind, KeyType=kind)
            path = os.path.join(folder, "made-" + kind)
            with open(os.open(path, os.O_WRONLY | os.O_CREAT, 0o600), "w") as file:
                file.write(made["KeyMaterial"])
            derived = subprocess.run(["ssh-keygen", "-y", "-f", path], check=True, capture_output=True, text=True).stdout
            shown = ec2.describe_key_pairs(KeyPairIds=[made["KeyPairId"]], IncludePublicKey=True)["KeyPairs"][0]
            equal(shown["PublicKey"].split()[:2], derived.split()[:2])
    der = subprocess.run(["openssl", "pkcs8", "-topk8", "-nocrypt", "-outform", "DER"], check=True, capture_output=True,
                         input=made["KeyMaterial"].encode()).stdout
    equal(made["KeyFingerprint"].replace(":", ""), hashlib.sha1(der).hexdigest())
    equal(refusal(ec2.import_key_pair, KeyName="rsa", PublicKeyMaterial=public), ("InvalidKeyPair.Duplicate", 400))
    for wrong in (b"ssh-rsa", b"ssh-rsa AAAA", b"nonsense", base64.b64encode(public), public.replace(b"AAAA", b"AAAB", 1)):
        equal(refusal(ec2.import_key_pair, KeyName="x", PublicKeyMaterial=wrong), ("InvalidKey.Format", 400))
    for name in ("ed25519", "rsa", "made-rsa"):
        ec2.delete_key_pair(KeyName=name)
    ec2.delete_key_pair(KeyName="never was")
    equal([k["KeyName"] for k in ec2.describe_key_pairs()["KeyPairs"]], ["made-ed25519"])


def catalogue(ec2, box):
    types = {}
    for page in ec2.get_paginator("describe_instance_types").paginate(PaginationConfig={"PageSize": 20}):
        types.update((t["InstanceType"], t) for t in page["InstanceTypes"])
    assert len(types) > 90, len(types)
    for name, interfaces, ipv6, hypervisor in (
            ("r5d.large", 3, 10, "nitro"), ("t3.nano", 2, 2, "nitro"), ("t3.small", 3, 4, "nitro"), ("t3.medium", 3, 6, "nitro"),
            ("t2.large", 3, 12, "xen"), ("m5.xlarge", 4, 15, "nitro"), ("c5.4xlarge", 8, 30, "nitro"),
            ("m5.24xlarge", 15, 50, "nitro"), ("m1.small", 2, 0, "xen"), ("c6g.medium", 2, 4, "nitro")):
        net = types[name]["NetworkInfo"]
        equal((net["MaximumNetworkInterfaces"], net["Ipv6AddressesPerInterface"], types[name]["Hypervisor"], net["Ipv6Supported"]),
              (interfaces, ipv6, hypervisor, ipv6 > 0))
    equal(types["r5d.large"]["InstanceStorageInfo"]["TotalSizeInGB"], 75)
    filters = [{"Name": "instance-type", "Values": ["m5.*"]}, {"Name": "network-info.ipv6-addresses-per-interface", "Values": ["15"]}]
    equal([t["InstanceType"] for t in ec2.describe_instance_types(Filters=filters)["InstanceTypes"]], ["m5.2xlarge", "m5.xlarge"])
    offered = ec2.describe_instance_type_offerings(LocationType="availability-zone", Filters=[
        {"Name": "instance-type", "Values": ["r5d.large"]}])["InstanceTypeOfferings"]
    equal(len(offered), 6)
    image = ec2.describe_images(ImageIds=[box.image])["Images"][0]
    assert "bionic" in image["Name"]
    names = [i["Name"] for i in ec2.describe_images(Owners=["099720109477"], Filters=[
        {"Name": "architecture", "Values": ["arm64"]}])["Images"]]
    equal(len(names), 1)
    equal(ec2.describe_images(Owners=["self"])["Images"], [])
    assert "eu-west-1" in [r["RegionName"] for r in ec2.describe_regions()["Regions"]]
    equal(ec2.describe_regions(RegionNames=["us-west-2"])["Regions"][0]["Endpoint"], "ec2.us-west-2.amazonaws.com")
    equal([z["ZoneId"] for z in ec2.describe_availability_zones(ZoneNames=["us-east-1b"])["AvailabilityZones"]], ["use1-az2"])


def tagging(ec2, box):
    enis = [interface(ec2, box, TagSpecifications=tags("network-interface", n=str(i % 2), **{"eni6:plan": "a*b"}))["NetworkInterfaceId"]
            for i in range(4)]

    def found(*filters):
        answer = ec2.describe_network_interfaces(Filters=[{"Name": n, "Values": v} for n, v in filters])
        return [enis.index(i["NetworkInterfaceId"]) for i in answer["NetworkInterfaces"]]

    equal(found(("tag:n", ["1"])), [1, 3])
    equal(found(("tag:n", ["0", "1"])), [0, 1, 2, 3])
    equal(found(("tag:eni6:plan", ["a\\*b"])), [0, 1, 2, 3])
    equal(found(("tag:eni6:plan", ["a\\*c"])), [])
    equal(found(("tag:eni6:plan", ["a?b"]), ("tag:n", ["0"])), [0, 2])
    equal(found(("tag-key", ["eni6:*"])), [0, 1, 2, 3])
    equal(found(("tag-value", ["1"])), [1, 3])
    equal(found(("tag:n", ["1"]), ("network-interface-id", [enis[3]])), [3])
    ec2.create_tags(Resources=[enis[0], box.subnet], Tags=[{"Key": "n", "Value": "9"}, {"Key": "x", "Value": ""}])
    equal(found(("tag:n", ["9"])), [0])
    equal(found(("tag:x", [""])), [0])
    shown = ec2.describe_tags(Filters=[{"Name": "key", "Values": ["x"]}])["Tags"]
    equal([(t["ResourceId"], t["ResourceType"]) for t in shown], [(box.subnet, "subnet"), (enis[0], "network-interface")])
    ec2.delete_tags(Resources=[enis[0]], Tags=[{"Key": "n", "Value": "other"}])
    equal(found(("tag:n", ["9"])), [0])
    ec2.delete_tags(Resources=[enis[0]], Tags=[{"Key": "n"}])
    equal(found(("tag:n", ["*"])), [1, 2, 3])
    pages = list(ec2.get_paginator("describe_tags").paginate(PaginationConfig={"PageSize": 5}))
    equal(sum(len(p["Tags"]) for p in pages), 12)
    equal(len(pages), 3)


def paging(ec2, box):
    enis = [interface(ec2, box)["NetworkInterfaceId"] for _ in range(23)]
    pages = list(ec2.get_paginator("describe_network_interfaces").paginate(PaginationConfig={"PageSize": 10}))
    equal([len(p["NetworkInterfaces"]) for p in pages], [10, 10, 3])
    equal([i["NetworkInterfaceId"] for p in pages for i in p["NetworkInterfaces"]], enis)
    first = ec2.describe_network_interfaces(MaxResults=5)
    ec2.delete_network_interface(NetworkInterfaceId=enis[4])
    ec2.delete_network_interface(NetworkInterfaceId=enis[5])
    second = ec2.describe_network_interfaces(MaxResults=5, NextToken=first["NextToken"])["NetworkInterfaces"]
    equal([i["NetworkInterfaceId"] for i in second], enis[6:11])
    whole = ec2.describe_network_interfaces(MaxResults=1000)
    equal((len(whole["NetworkInterfaces"]), whole.get("NextToken")), (21, None))
    unchecked = box.client(parameter_validation=False)
    for count in (4, 1001):
        equal(refusal(unchecked.describe_network_interfaces, MaxResults=count), ("InvalidParameterValue", 400))
    equal(refusal(ec2.describe_network_interfaces, MaxResults=5, NetworkInterfaceIds=enis[:1]), ("InvalidParameterCombination", 400))
    equal(refusal(ec2.describe_network_interfaces, NextToken="nonsense"), ("InvalidNextToken", 400))


def idempotency(ec2, box):
    one = interface(ec2, box, Ipv6Addresses=addresses("8"), ClientToken="t1", Description="a")
    again = interface(ec2, box, Ipv6Addresses=addresses("8"), ClientToken="t1", Description="a")
    equal(again["NetworkInterfaceId"], one["NetworkInterfaceId"])
    equal(refusal(ec2.create_network_interface, SubnetId=box.subnet, Ipv6Addresses=addresses("9"), ClientToken="t1",
                  Description="a"), ("IdempotentParameterMismatch", 400))
    equal(refusal(ec2.create_network_interface, SubnetId=box.subnet, Ipv6Addresses=addresses("8"), ClientToken="t2"),
          ("InvalidIPAddress.InUse", 400))
    first = launch(ec2, box, one["NetworkInterfaceId"], ClientToken="t1")[0]
    second = launch(ec2, box, one["NetworkInterfaceId"], ClientToken="t1")[0]
    equal(first["InstanceId"], second["InstanceId"])
    equal(refusal(launch, ec2, box, one["NetworkInterfaceId"], ClientToken="t3"), ("InvalidNetworkInterface.InUse", 400))
    equal(len(ec2.describe_instances()["Reservations"]), 1)


def refusals(ec2, box):
    eni = interface(ec2, box, Ipv6Addresses=addresses("8", "9"))["NetworkInterfaceId"]
    held = interface(ec2, box, Ipv6Prefixes=[{"Ipv6Prefix": "2001:db8:47b:ca03:5::/80"}])["NetworkInterfaceId"]
    instance = launch(ec2, box, eni)[0]["InstanceId"]
    create, assign, run = ec2.create_network_interface, ec2.assign_ipv6_addresses, ec2.run_instances
    crowded = interface(ec2, box, Ipv6AddressCount=11)["NetworkInterfaceId"]
    nothing = "0123456789abcdef0"
    base = dict(ImageId=box.image, InstanceType="r5d.large", MinCount=1, MaxCount=1)

    def with_interface(**interface):
        return dict(base, NetworkInterfaces=[dict(DeviceIndex=0, **interface)])

    table = [
        # addresses
        ("InvalidIPAddress.InUse", create, dict(SubnetId=box.subnet, Ipv6Addresses=addresses("8"))),
        ("InvalidIPAddress.InUse", assign, dict(NetworkInterfaceId=held, Ipv6Addresses=[PREFIX + "9"])),
        ("InvalidIPAddress.InUse", create, dict(SubnetId=box.subnet, Ipv6Addresses=[{"Ipv6Address": "2001:db8:47b:ca03:5::1"}])),
        ("InvalidIPAddress.InUse", create, dict(SubnetId=box.subnet, Ipv6Prefixes=[{"Ipv6Prefix": "2001:db8:47b:ca03:5::/80"}])),
        ("InvalidParameterValue", create, dict(SubnetId=box.subnet, Ipv6Prefixes=[{"Ipv6Prefix": PREFIX + "/80"}])),
        ("InvalidParameterValue", create, dict(SubnetId=box.subnet, Ipv6Prefixes=[{"Ipv6Prefix": "2001:db8:47b:ca03:6::/79"}])),
        ("InvalidParameterValue", create, dict(SubnetId=box.subnet, Ipv6Prefixes=[{"Ipv6Prefix": "2001:db8:47b:ca03:6::1/80"}])),
        ("InvalidParameterValue", create, dict(SubnetId=box.subnet, Ipv6Addresses=[{"Ipv6Address": "2001:db8::1"}])),
        ("InvalidParameterValue", create, dict(SubnetId=box.subnet, Ipv6Addresses=[{"Ipv6Address": "nonsense"}])),
        ("InvalidParameterValue", create, dict(SubnetId=box.subnet, Ipv6Addresses=addresses("a", "a"))),
        ("InvalidParameterCombination", create, dict(SubnetId=box.subnet, Ipv6Addresses=addresses("a"), Ipv6AddressCount=1)),
        ("InvalidParameterCombination", create, dict(SubnetId=box.subnet, Ipv6PrefixCount=1, Ipv6AddressCount=1)),
        ("InvalidParameterCombination", assign, dict(NetworkInterfaceId=eni, Ipv6Prefixes=["2001:db8:47b:ca03:7::/80"],
                                                     Ipv6PrefixCount=1)),
        ("MissingParameter", assign, dict(NetworkInterfaceId=eni)),
        ("PrivateIpAddressLimitExceeded", assign, dict(NetworkInterfaceId=eni, Ipv6AddressCount=9)),
        ("PrivateIpAddressLimitExceeded", assign, dict(NetworkInterfaceId=eni, Ipv6PrefixCount=9)),
        ("PrivateIpAddressLimitExceeded", create, dict(SubnetId=box.subnet, Ipv6AddressCount=51)),
        ("PrivateIpAddressLimitExceeded", run, with_interface(SubnetId=box.subnet, Ipv6AddressCount=11)),
        ("PrivateIpAddressLimitExceeded", run, with_interface(NetworkInterfaceId=crowded)),
        ("PrivateIpAddressLimitExceeded", ec2.attach_network_interface,
         dict(NetworkInterfaceId=crowded, InstanceId=instance, DeviceIndex=1)),
        ("InvalidParameterValue", ec2.unassign_ipv6_addresses, dict(NetworkInterfaceId=eni, Ipv6Addresses=[PREFIX + "a"])),
        ("InvalidParameterValue", create, dict(SubnetId=box.subnet, PrivateIpAddress="10.9.0.1")),
        ("InvalidIPAddress.InUse", create, dict(SubnetId=box.subnet, PrivateIpAddress="10.0.0.4")),
        # ids
        ("InvalidNetworkInterfaceID.NotFound", ec2.describe_network_interfaces, dict(NetworkInterfaceIds=["eni-" + nothing])),
        ("InvalidNetworkInterfaceId.Malformed", ec2.describe_network_interfaces, dict(NetworkInterfaceIds=["eni-xyz"])),
        ("InvalidNetworkInterfaceId.Malformed", ec2.delete_network_interface, dict(NetworkInterfaceId=instance)),
        ("InvalidSubnetID.NotFound", create, dict(SubnetId="subnet-" + nothing)),
        ("InvalidSubnetID.Malformed", create, dict(SubnetId="subnet")),
        ("InvalidGroup.NotFound", create, dict(SubnetId=box.subnet, Groups=["sg-" + nothing])),
        ("InvalidGroupId.Malformed", create, dict(SubnetId=box.subnet, Groups=["sg-1"])),
        ("InvalidInstanceID.NotFound", ec2.describe_instances, dict(InstanceIds=["i-" + nothing])),
        ("InvalidInstanceID.Malformed", ec2.terminate_instances, dict(InstanceIds=["i-1"])),
        ("InvalidKeyPair.NotFound", run, dict(base, SubnetId=box.subnet, KeyName="None")),
        ("InvalidKeyPair.NotFound", ec2.describe_key_pairs, dict(KeyNames=["None"])),
        ("InvalidAMIID.NotFound", run, dict(base, SubnetId=box.subnet, ImageId="ami-" + nothing)),
        ("InvalidAMIID.Malformed", ec2.describe_images, dict(ImageIds=["ubuntu"])),
        ("InvalidVpcID.NotFound", ec2.delete_vpc, dict(VpcId="vpc-" + nothing)),
        ("InvalidVpcId.Malformed", ec2.describe_vpcs, dict(VpcIds=["x"])),
        ("InvalidRouteTableID.NotFound", ec2.delete_route_table, dict(RouteTableId="rtb-" + nothing)),
        ("InvalidInternetGatewayID.NotFound", ec2.delete_internet_gateway, dict(InternetGatewayId="igw-" + nothing)),
        ("InvalidAttachmentID.NotFound", ec2.detach_network_interface, dict(AttachmentId="eni-attach-" + nothing)),
        ("InvalidAssociationID.NotFound", ec2.disassociate_route_table, dict(AssociationId="rtbassoc-" + nothing)),
        ("InvalidInstanceType", run, dict(base, SubnetId=box.subnet, InstanceType="r5d.tiny")),
        ("InvalidInstanceType", ec2.describe_instance_types, dict(InstanceTypes=["x1.huge"])),
        # in use
        ("InvalidParameterValue", ec2.delete_network_interface, dict(NetworkInterfaceId=eni)),
        ("InvalidNetworkInterface.InUse", run, with_interface(NetworkInterfaceId=eni)),
        ("InvalidNetworkInterface.InUse", ec2.attach_network_interface,
         dict(NetworkInterfaceId=eni, InstanceId=instance, DeviceIndex=1)),
        ("InvalidParameterValue", ec2.attach_network_interface,
         dict(NetworkInterfaceId=held, InstanceId=instance, DeviceIndex=0)),
        ("OperationNotPermitted", ec2.detach_network_interface, dict(AttachmentId=ec2.describe_network_interfaces(
            NetworkInterfaceIds=[eni])["NetworkInterfaces"][0]["Attachment"]["AttachmentId"])),
        ("DependencyViolation", ec2.delete_subnet, dict(SubnetId=box.subnet)),
        # launching
        ("InvalidParameterCombination", run, dict(with_interface(NetworkInterfaceId=held), SubnetId=box.subnet)),
        ("InvalidParameterCombination", run, with_interface(NetworkInterfaceId=held, SubnetId=box.subnet)),
        ("InvalidParameterCombination", run, dict(with_interface(NetworkInterfaceId=held), MaxCount=2)),
        ("InvalidParameterCombination", run, dict(base, MinCount=2, SubnetId=box.subnet)),
        ("InvalidParameterValue", run, dict(base, MinCount=0, MaxCount=0, SubnetId=box.subnet)),
        ("InvalidParameterValue", run, dict(base, SubnetId=box.subnet, InstanceType="t4g.micro")),
        ("InvalidParameterValue", run, dict(with_interface(SubnetId=box.subnet, Ipv6AddressCount=1), InstanceType="m1.small")),
        ("UnsupportedOperation", run, dict(with_interface(NetworkInterfaceId=held), InstanceType="t2.micro")),
        ("AttachmentLimitExceeded", run, dict(base, InstanceType="t3.nano", NetworkInterfaces=[
            dict(DeviceIndex=i, SubnetId=box.subnet) for i in range(3)])),
        ("InvalidParameterValue", run, dict(base, SubnetId=box.subnet, UserData="x" * 16385)),
        ("VPCIdNotSpecified", run, base),
        # the rest
        ("InvalidParameterValue", ec2.describe_instances, dict(Filters=[{"Name": "nonsense", "Values": ["x"]}])),
        ("InvalidParameterValue", create, dict(SubnetId=box.subnet, TagSpecifications=tags("instance", a="b"))),
        ("InvalidParameterValue", ec2.create_tags, dict(Resources=[eni], Tags=[{"Key": "aws:x", "Value": ""}])),
        ("TagLimitExceeded", ec2.create_tags, dict(Resources=[eni], Tags=[{"Key": str(i), "Value": ""} for i in range(51)])),
        ("InvalidID", ec2.create_tags, dict(Resources=["nonsense"], Tags=[{"Key": "a", "Value": ""}])),
        ("InvalidSubnet.Conflict", ec2.create_subnet, dict(VpcId=box.vpc, CidrBlock="10.0.0.0/24")),
        ("InvalidSubnet.Conflict", ec2.create_subnet, dict(VpcId=box.vpc, CidrBlock="10.0.16.0/24",
                                                           Ipv6CidrBlock="2001:db8:47b:ca03::/64")),
        ("InvalidSubnet.Range", ec2.create_subnet, dict(VpcId=box.vpc, CidrBlock="10.0.16.0/24", Ipv6CidrBlock="2001:db8::/64")),
        ("InvalidSubnet.Range", ec2.create_subnet, dict(VpcId=box.vpc, CidrBlock="192.168.0.0/24")),
        ("InvalidGroup.Duplicate", ec2.create_security_group, dict(GroupName="eni6-sandbox", Description="x", VpcId=box.vpc)),
        ("Resource.AlreadyAssociated", ec2.attach_internet_gateway, dict(VpcId=box.vpc, InternetGatewayId=ec2.
         describe_internet_gateways()["InternetGateways"][0]["InternetGatewayId"])),
        ("InvalidParameterValue", ec2.describe_availability_zones, dict(ZoneNames=["us-east-1z"])),
    ]
    for suffix in ("", "1", "2", "3", "ffff:ffff:ffff:ffff"):
        reserved = PREFIX + suffix if len(suffix) < 2 else "2001:db8:47b:ca03:" + suffix
        table.append(("InvalidParameterValue", create, dict(SubnetId=box.subnet, Ipv6Addresses=[{"Ipv6Address": reserved}])))
    before = len(ec2.describe_network_interfaces()["NetworkInterfaces"])
    for code, call, parameters in table:
        equal((refusal(call, **parameters), call.__name__, parameters), ((code, 400), call.__name__, parameters))
    equal(len(ec2.describe_network_interfaces()["NetworkInterfaces"]), before)
    equal(len(ec2.describe_instances()["Reservations"]), 1)


def dry_runs(ec2, box):
    eni = interface(ec2, box, Ipv6Addresses=addresses("8"))["NetworkInterfaceId"]
    for call, parameters in (
            (ec2.create_network_interface, dict(SubnetId=box.subnet)), (ec2.describe_instances, {}),
            (ec2.delete_network_interface, dict(NetworkInterfaceId=eni)), (ec2.create_vpc, dict(CidrBlock="10.3.0.0/16")),
            (ec2.run_instances, dict(ImageId=box.image, InstanceType="r5d.large", MinCount=1, MaxCount=1, SubnetId=box.subnet)),
            (ec2.create_key_pair, dict(KeyName="x"))):
        equal(refusal(call, DryRun=True, **parameters), ("DryRunOperation", 412))
    equal(refusal(ec2.create_network_interface, DryRun=True, SubnetId=box.subnet, Ipv6Addresses=addresses("8")),
          ("InvalidIPAddress.InUse", 400))
    equal(len(ec2.describe_network_interfaces()["NetworkInterfaces"]), 1)
    equal(ec2.describe_instances()["Reservations"], [])
    equal(ec2.describe_key_pairs()["KeyPairs"], [])


def secrets(ec2, box):
    equal(refusal(box.client(aws_secret_access_key="wrong").describe_vpcs), ("SignatureDoesNotMatch", 403))
    equal(refusal(box.client(aws_access_key_id="AKIDNOBODY").describe_vpcs), ("AuthFailure", 401))
    equal(refusal(box.client(aws_session_token="x").describe_vpcs), ("AuthFailure", 401))
    equal(refusal(box.client(region_name="eu-west-1").describe_vpcs), ("SignatureDoesNotMatch", 403))
    with Sandbox("--session-token", "a token/with+chars=") as guarded:
        equal(len(guarded.client().describe_vpcs()["Vpcs"]), 1)
        equal(refusal(guarded.client(aws_session_token="another").describe_vpcs), ("AuthFailure", 401))
        equal(refusal(guarded.client(aws_session_token=None).describe_vpcs), ("AuthFailure", 401))


TESTS = [whole_life, launch_makes_interfaces, assign_and_unassign, attach_and_detach, instance_attributes, a_vpc_of_ones_own,
         blocks_later, a_full_subnet, reservations, keys, catalogue, tagging, paging, idempotency, refusals, dry_runs, secrets]


def one(test):
    with Sandbox("--seed", "1") as box:
        test(box.client(), box)
        equal(box.strays, [])


tap = Tap()
for function in TESTS:
    tap.run(function.__name__.replace("_", " "), one, function)
sys.exit(tap.done())
