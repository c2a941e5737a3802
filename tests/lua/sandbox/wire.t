#!/usr/bin/python3
"""Requests byte by byte: signatures, dates, and what the Query protocol may carry."""
import datetime
import json
import os
import subprocess
import sys
from urllib.parse import quote

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "..", "support"))
import botocore.loaders  # noqa: E402
import botocore.model  # noqa: E402
from sandbox_client import ROOT, Sandbox, Tap, call, code_of, send, sign  # noqa: E402

LIST = "Action=DescribeVpcs&Version=2016-11-15"


def equal(a, b):
    assert a == b, "%r is not %r" % (a, b)


def refused(answer, status, code):
    equal((answer[0], code_of(answer)), (status, code))


def a_signed_request_is_answered(box):
    status, headers, body = send(box, LIST, headers=sign(box, LIST))
    equal(status, 200)
    assert body.startswith('<?xml version="1.0" encoding="UTF-8"?>\n<DescribeVpcsResponse xmlns="http://ec2.amazonaws.com/doc/'
                           '2016-11-15/"><requestId>'), body
    assert headers["x-amzn-requestid"] in body
    when = datetime.datetime.strptime(headers["date"], "%a, %d %b %Y %H:%M:%S GMT")
    assert abs((datetime.datetime.utcnow() - when).total_seconds()) < 60


def dates(box):
    now = datetime.datetime.utcnow()
    for minutes, status in ((-4, 200), (4, 200), (-6, 400), (6, 400), (-60 * 24, 400)):
        answer = send(box, LIST, headers=sign(box, LIST, when=now + datetime.timedelta(minutes=minutes)))
        equal(answer[0], status)
        if status != 200:
            refused(answer, 400, "RequestExpired")
            assert "date" in answer[1]  # by which a client corrects its clock


def tampering(box):
    headers = sign(box, LIST)
    refused(send(box, LIST + "&DryRun=true", headers=headers), 403, "SignatureDoesNotMatch")
    refused(send(box, LIST, target="/x", headers=headers), 403, "SignatureDoesNotMatch")
    refused(send(box, LIST, headers=dict(headers, **{"Content-Type": "text/plain"})), 403, "SignatureDoesNotMatch")
    refused(send(box, LIST, headers=sign(box, LIST, secret="wrong")), 403, "SignatureDoesNotMatch")
    refused(send(box, LIST, headers=sign(box, LIST, region="eu-west-1")), 403, "SignatureDoesNotMatch")
    message = send(box, LIST + "x", headers=headers)[2]
    assert "The Canonical String for this request should have been" in message
    assert box.env["AWS_SECRET_ACCESS_KEY"] not in message
    unsigned = {k: v for k, v in headers.items() if k != "Authorization"}
    refused(send(box, LIST, headers=unsigned), 403, "MissingAuthenticationToken")
    refused(send(box, LIST, headers=dict(headers, Authorization="AWS4-HMAC-SHA256 Credential=x")), 400, "IncompleteSignature")
    refused(send(box, LIST, headers=dict(headers, Authorization="Basic eDp5")), 400, "IncompleteSignature")


def get_requests(box):
    target = "/?" + LIST
    equal(send(box, None, "GET", target, sign(box, b"", "GET", target))[0], 200)


def what_a_request_may_carry(box):
    refused(call(box, "DescribeEverything"), 400, "InvalidAction")
    refused(call(box, "DescribeVpcs", Nonsense="1"), 400, "UnknownParameter")
    refused(call(box, "DescribeVpcs", **{"Filter.1.Nome": "x"}), 400, "UnknownParameter")
    refused(call(box, "DescribeVpcs", **{"Filter.x": "x"}), 400, "UnknownParameter")
    refused(call(box, "CreateNetworkInterface"), 400, "MissingParameter")
    refused(call(box, "RunInstances", MinCount="1", ImageId=box.image), 400, "MissingParameter")
    refused(call(box, "RunInstances", MinCount="one", MaxCount="1"), 400, "InvalidParameterValue")
    refused(call(box, "DescribeVpcs", DryRun="perhaps"), 400, "InvalidParameterValue")
    refused(call(box, "DescribeVpcs", Version="2001-01-01"), 400, "NoSuchVersion")
    refused(call(box, "ImportKeyPair", KeyName="x", PublicKeyMaterial="!"), 400, "InvalidParameterValue")
    for body, code in (("Version=2016-11-15", "MissingAction"), (LIST + "&Filter=1&Filter.1.Name=x", "InvalidQueryParameter"),
                       (LIST + "&Filter.1.Name=x&Filter=1", "InvalidQueryParameter"), (LIST + "&a=%zz", "MalformedQueryString"),
                       (LIST + "&" + ".".join("abcdefghijklmnop") + "=1", "InvalidQueryParameter")):
        refused(send(box, body, headers=sign(box, body)), 400, code)
    # Items come in the order of their numbers; %20 and + are both a space.
    body = "%s&Filter.7.Name=tag:Name&Filter.7.Value.10=x&Filter.7.Value.2=eni6-sandbox" % LIST
    assert "<vpcId>" in send(box, body, headers=sign(box, body))[2]
    for space in ("+", "%20"):
        body = "Action=CreateNetworkInterface&Version=2016-11-15&SubnetId=%s&Description=a%sb%%2B%s" % (box.subnet, space, quote("é<&"))
        assert "<description>a b+é&lt;&amp;</description>" in send(box, body, headers=sign(box, body))[2]


def the_parameters_are_ec2s(box):
    """Every parameter that the sandbox takes is in botocore's model, under the same name on the wire."""
    script = """
        package.path = "lua/?.lua;lua/?/init.lua;" .. package.path
        package.cpath = "build/release/lua5.4/?.so;" .. package.cpath
        require("eni6.sandbox.rocks").http()
        local parameters = {}
        for name, operation in pairs(require "eni6.sandbox.ec2") do parameters[name] = operation.parameters end
        io.write(require("dkjson").encode(parameters))"""
    ours = json.loads(subprocess.run(["lua5.4", "-e", script], cwd=ROOT, check=True, capture_output=True, text=True).stdout)
    model = botocore.model.ServiceModel(botocore.loaders.Loader().load_service_model("ec2", "service-2"))
    newer = {"CreateNetworkInterface/EnablePrimaryIpv6", "ModifyNetworkInterfaceAttribute/EnablePrimaryIpv6",
             "RunInstances/EnablePrimaryIpv6", "RunInstances/NetworkInterface/PrimaryIpv6", "DescribeImages/MaxResults",
             "DescribeImages/NextToken"}
    strays = []

    def wire_name(name, shape):
        if "queryName" in shape.serialization:
            return shape.serialization["queryName"]
        location = shape.serialization.get("name", name)
        return location[0].upper() + location[1:]

    def compare(mine, shape, path):
        if isinstance(mine, str):
            kinds = {"integer": ("integer", "long"), "boolean": ("boolean",), "blob": ("blob",), "string": ("string", "blob")}
            if shape.type_name not in kinds[mine.rstrip("!")]:
                strays.append("%s is a %s" % (path, shape.type_name))
        elif isinstance(mine, list):
            if shape.type_name == "list":
                for item in mine:
                    compare(item, shape.member, path)
            else:
                strays.append(path + " is no list")
        elif shape.type_name != "structure":
            strays.append(path + " is no structure")
        else:
            theirs = {wire_name(name, inner): inner for name, inner in shape.members.items()}
            for name, of in mine.items():
                inner = path + "/" + name
                if name in theirs:
                    compare(of, theirs[name], inner)
                elif inner not in newer:
                    strays.append(inner)

    for name, parameters in sorted(ours.items()):
        compare(parameters, model.operation_model(name).input_shape, name)
    equal(strays, [])
    assert len(ours) > 60, len(ours)


TESTS = [a_signed_request_is_answered, dates, tampering, get_requests, what_a_request_may_carry, the_parameters_are_ec2s]
tap = Tap()
with Sandbox() as sandbox:
    for function in TESTS:
        tap.run(function.__name__.replace("_", " "), function, sandbox)
sys.exit(tap.done())
