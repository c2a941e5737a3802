#!/usr/bin/python3
"""Writes ec2.lua, ec2_more.lua and sts.lua, the API models that eni6.aws.model
reads, from the AWS CLI's model data, which is its own copy of botocore's. The
result is committed: building needs no Python. Loading time is proportional to
size, so ec2.lua has the shapes of the everyday operations only (EVERYDAY),
ec2_more.lua, loaded when one of its shapes is asked for, those that other
operations alone have, and ec2_enums.lua what only people want to know.

usage: generate.py [--check]     --check compares with what is there, writes nothing

What is kept: the names, types and constraints that encoding, validating and
decoding need, and the accepted values of inputs for help. What is left out:
documentation, error lists and upper limits, which AWS extends without notice.

One line a thing, fields separated by spaces:

operations  Name InputShape OutputShape[/resultWrapper]
              ~  at a shape's start: the operation's name        -  no such shape
shapes      Shape Member[.|@xmlName][?QueryName][!][#]=type …         -  no members
              .  the XML name is the member's with a small first letter
              @  the XML name; without either it is the member's name
              ?  the key in requests; without it the XML name, first letter capital,
                 or the member's name where the XML name is the same
              !  required        #  filled in with an idempotency token
types       s string, i integer, l long, d double, b boolean, t timestamp, x blob,
            *type list, Shape structure; a number after s, i, l, d or * is the least
            length or value, * then ends it with a colon: *1:Tag
paginators  Operation input_token output_token limit_key result_key[,result_key]
waiters     Name Operation delay max_attempts, then a line for each acceptor, tabs
            between: (tab) state matcher expected argument   - for no argument
enums       Shape Member=Enum …      a string, or a list of strings, of one of the values
values      Enum, then a tab in front of each value
"""

import gzip
import json
import os
import sys

import awscli

HERE = os.path.dirname(os.path.abspath(__file__))
SERVICES = [("ec2", "2016-11-15"), ("sts", "2011-06-15")]

# What the workflow, and who looks after it, calls.
EVERYDAY = {
    "ec2": [
        "AllocateAddress", "AssignIpv6Addresses", "AssignPrivateIpAddresses", "AssociateRouteTable",
        "AssociateSubnetCidrBlock", "AssociateVpcCidrBlock", "AttachInternetGateway", "AttachNetworkInterface",
        "AuthorizeSecurityGroupEgress", "AuthorizeSecurityGroupIngress", "CreateInternetGateway", "CreateKeyPair",
        "CreateNetworkInterface", "CreateRoute", "CreateRouteTable", "CreateSecurityGroup", "CreateSubnet",
        "CreateSubnetCidrReservation", "CreateTags", "CreateVpc", "DeleteInternetGateway", "DeleteKeyPair",
        "DeleteNetworkInterface", "DeleteRoute", "DeleteRouteTable", "DeleteSecurityGroup", "DeleteSubnet",
        "DeleteSubnetCidrReservation", "DeleteTags", "DeleteVpc", "DescribeAvailabilityZones", "DescribeImages",
        "DescribeInstanceAttribute", "DescribeInstanceStatus", "DescribeInstanceTypes", "DescribeInstances",
        "DescribeInternetGateways", "DescribeKeyPairs", "DescribeNetworkInterfaces", "DescribeRegions",
        "DescribeRouteTables", "DescribeSecurityGroupRules", "DescribeSecurityGroups", "DescribeSubnets",
        "DescribeTags", "DescribeVpcs", "DetachInternetGateway", "DetachNetworkInterface", "DisassociateRouteTable",
        "DisassociateSubnetCidrBlock", "DisassociateVpcCidrBlock", "GetConsoleOutput", "GetSubnetCidrReservations",
        "ImportKeyPair", "ModifyInstanceAttribute", "ModifyNetworkInterfaceAttribute", "ModifySubnetAttribute",
        "ModifyVpcAttribute", "RebootInstances", "RevokeSecurityGroupEgress", "RevokeSecurityGroupIngress",
        "RunInstances", "StartInstances", "StopInstances", "TerminateInstances", "UnassignIpv6Addresses",
        "UnassignPrivateIpAddresses",
    ],
}

SCALARS = {
    "string": "s", "integer": "i", "long": "l", "double": "d", "float": "d",
    "boolean": "b", "timestamp": "t", "blob": "x",
}
# Everything the model may say, so that a new construct stops the generator
# instead of being dropped.
KNOWN_SHAPE_KEYS = {
    "type", "members", "member", "required", "min", "max", "enum", "pattern",
    "sensitive", "documentation", "locationName", "error", "exception",
}
KNOWN_MEMBER_KEYS = {
    "shape", "documentation", "locationName", "queryName", "idempotencyToken",
    "deprecated", "deprecatedMessage",
}


def load(service, version, name):
    path = os.path.join(os.path.dirname(awscli.__file__), "botocore", "data", service, version, name)
    if os.path.exists(path + ".json"):
        with open(path + ".json", encoding="utf-8") as file:
            return json.load(file)
    if os.path.exists(path + ".json.gz"):
        with gzip.open(path + ".json.gz", "rt", encoding="utf-8") as file:
            return json.load(file)
    return {}


def expect(condition, what):
    if not condition:
        sys.exit(f"generate.py: the model says something new, teach me first: {what}")


def capital(name):
    return name[0].upper() + name[1:]


class Compact:
    """The shapes of one service in the compact form."""

    def __init__(self, model):
        self.protocol = model["metadata"]["protocol"]
        self.shapes = model["shapes"]
        self.lines = {}

    def least(self, shape):
        # Zero is no limit to a length, but it is one to a number.
        numeric = shape["type"] in ("integer", "long", "double", "float")
        return str(shape["min"]) if "min" in shape and (numeric or shape["min"] > 0) else ""

    def type_of(self, name):
        shape = self.shapes[name]
        expect(set(shape) <= KNOWN_SHAPE_KEYS, f"{name}: {sorted(shape)}")
        kind = shape["type"]
        if kind == "structure":
            expect(name[0].isupper(), f"structure {name}")
            self.add(name, shape)
            return name
        if kind == "list":
            member = shape["member"]
            named = set(member) <= ({"shape", "locationName"} if self.protocol == "ec2" else {"shape"})
            expect(named, f"{name}: {sorted(member)}")
            least = self.least(shape)
            return "*" + (least + ":" if least else "") + self.type_of(member["shape"])
        expect(kind in SCALARS, f"{name}: {kind}")
        return SCALARS[kind] + self.least(shape)

    def names(self, member_name, member):
        xml = member.get("locationName") or self.shapes[member["shape"]].get("locationName")
        query = member.get("queryName")
        if self.protocol != "ec2":
            expect(xml is None and query is None, f"{member_name}: {member}")
            return ""
        key = query or (capital(xml) if xml else member_name)
        xml = xml or member_name
        expect(all(text.isalnum() for text in (member_name, xml, key)), f"{member_name}: {member}")
        usual_key = capital(xml) if xml != member_name else member_name
        return self.xml_mark(member_name, xml) + ("?" + key if key != usual_key else "")

    def xml_mark(self, member_name, xml):
        if xml == member_name:
            return ""
        return "." if xml == member_name[0].lower() + member_name[1:] else "@" + xml

    def add(self, name, shape):
        if name in self.lines:
            return
        self.lines[name] = None  # a shape may contain itself
        words = [name]
        required = shape.get("required", [])
        for member_name, member in shape["members"].items():
            expect(set(member) <= KNOWN_MEMBER_KEYS, f"{name}.{member_name}: {sorted(member)}")
            words.append(
                member_name
                + self.names(member_name, member)
                + ("!" if member_name in required else "")
                + ("#" if member.get("idempotencyToken") else "")
                + "=" + self.type_of(member["shape"])
            )
        self.lines[name] = " ".join(words if len(words) > 1 else [name, "-"])


class Enums:
    """The accepted values of the structures that inputs are made of."""

    def __init__(self, model):
        self.shapes = model["shapes"]
        self.members, self.values = {}, {}

    def enum_of(self, name):
        shape = self.shapes[name]
        if shape["type"] == "list":
            return self.enum_of(shape["member"]["shape"])
        return name if shape.get("enum") else None

    def add(self, name):
        shape = self.shapes[name]
        if shape["type"] == "list":
            return self.add(shape["member"]["shape"])
        if shape["type"] != "structure" or name in self.members:
            return None
        self.members[name] = []
        for member_name, member in shape["members"].items():
            enum = self.enum_of(member["shape"])
            if enum:
                self.members[name].append(f"{member_name}={enum}")
                self.values[enum] = self.shapes[enum]["enum"]
            self.add(member["shape"])
        return None

    def sections(self):
        expect(not any("\t" in value for values in self.values.values() for value in values), "a tab in a value")
        return {
            "enums": [" ".join([name, *words]) for name, words in sorted(self.members.items()) if words],
            "values": ["\t".join([name, *values]) for name, values in sorted(self.values.items())],
        }


def enum_sections(model):
    enums = Enums(model)
    for operation in model["operations"].values():
        if "input" in operation:
            enums.add(operation["input"]["shape"])
    return enums.sections()


def operation_line(compact, name, operation):
    expect(operation["http"] == {"method": "POST", "requestUri": "/"}, f"{name}: {operation['http']}")
    words = [name]
    for key in ("input", "output"):
        about = operation.get(key)
        if about is None:
            words.append("-")
            continue
        expect(set(about) <= {"shape", "resultWrapper"}, f"{name}: {about}")
        shape = compact.type_of(about["shape"])
        short = "~" + shape[len(name):] if shape.startswith(name) else shape
        wrapper = about.get("resultWrapper")
        words.append(short + ("/" + wrapper if wrapper else ""))
    return " ".join(words)


def paginator_line(name, page):
    keys = {"input_token", "output_token", "limit_key", "result_key"}
    expect(set(page) <= keys, f"paginator {name}: {sorted(page)}")
    results = page["result_key"]
    results = [results] if isinstance(results, str) else results
    words = [name, page["input_token"], page["output_token"], page.get("limit_key", "-"), ",".join(results)]
    expect(all(word.replace(",", "").isalnum() or word == "-" for word in words), f"paginator {words}")
    return " ".join(words)


def waiter_lines(name, waiter):
    lines = [f"{name} {waiter['operation']} {waiter['delay']} {waiter['maxAttempts']}"]
    for acceptor in waiter["acceptors"]:
        expected = acceptor["expected"]
        text = expected if isinstance(expected, str) else json.dumps(expected)
        expect(text not in ("true", "false") or not isinstance(expected, str), f"waiter {name}: {acceptor}")
        fields = [acceptor["state"], acceptor["matcher"], text, acceptor.get("argument", "-")]
        lines.append("\t" + "\t".join(fields))
    return "\n".join(lines)


def lua_text(heading, fields, sections):
    out = ["-- Generated by generate.py, where the form is described; do not edit.", heading, "return {"]
    out += [f'  {key} = "{value}",' for key, value in fields]
    for key, lines in sections.items():
        text = "\n".join(lines)
        expect("]]" not in text, f"a long bracket in {key}")
        out += [f"  {key} = [[", "", text, "]],"]
    return "\n".join(out) + "\n}\n"


def generate(service, version):
    """The files of a service: names and contents."""
    model = load(service, version, "service-2")
    compact = Compact(model)
    everyday = EVERYDAY.get(service, sorted(model["operations"]))
    operation_lines = {name: operation_line(compact, name, model["operations"][name]) for name in everyday}
    everyday_shapes = sorted(compact.lines)
    for name, operation in model["operations"].items():
        operation_lines[name] = operation_line(compact, name, operation)
    more_shapes = sorted(set(compact.lines) - set(everyday_shapes))
    paginators = load(service, version, "paginators-1").get("pagination", {})
    waiters = load(service, version, "waiters-2").get("waiters", {})
    sections = {
        "operations": [operation_lines[name] for name in sorted(operation_lines)],
        "shapes": [compact.lines[name] for name in everyday_shapes],
        "paginators": [paginator_line(*item) for item in sorted(paginators.items())],
        "waiters": [waiter_lines(*item) for item in sorted(waiters.items())],
    }
    fields = [
        ("name", service), ("api_version", version), ("protocol", compact.protocol),
        ("source", "aws-cli " + awscli.__version__),
    ]
    files = {}
    if more_shapes:
        fields.append(("more", f"eni6.aws.model.{service}_more"))
        sections_of_more = {"shapes": [compact.lines[name] for name in more_shapes]}
        files[service + "_more.lua"] = lua_text("-- The shapes that everyday operations do not have.", [], sections_of_more)
        fields.append(("enums", f"eni6.aws.model.{service}_enums"))
        files[service + "_enums.lua"] = lua_text("-- What members accept.", [], enum_sections(model))
    files[service + ".lua"] = lua_text(f"-- {model['metadata']['serviceFullName']}.", fields, sections)
    return files


def main():
    check = sys.argv[1:] == ["--check"]
    if sys.argv[1:] and not check:
        sys.exit(__doc__)
    stale = []
    for service, version in SERVICES:
        for name, text in generate(service, version).items():
            path = os.path.join(HERE, name)
            if check:
                with open(path, encoding="utf-8") as file:
                    stale += [path] if file.read() != text else []
            else:
                with open(path, "w", encoding="utf-8") as file:
                    file.write(text)
    for path in stale:
        print(f"{path} differs from what generate.py makes of aws-cli {awscli.__version__}")
    sys.exit(1 if stale else 0)


if __name__ == "__main__":
    main()
