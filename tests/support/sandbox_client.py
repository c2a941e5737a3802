"""A sandbox and a botocore client for tests, and a check of every answer's XML
against botocore's model of EC2."""
import os
import re
import subprocess
import threading
import xml.etree.ElementTree as ElementTree

import boto3
import botocore.config
import botocore.exceptions

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))

# Held while a request is signed: the clock that it is signed by is everybody's.
CLOCK = threading.Lock()

# Elements of EC2's that this botocore is too old to know.
NEWER = {"isPrimaryIpv6"}


class Sandbox:
    """scripts/sandbox.lua on a free port, for as long as the `with` lasts."""

    def __init__(self, *arguments):
        self.process = subprocess.Popen(
            ["lua5.4", "scripts/sandbox.lua", "--die-with-stdin", "--quiet", *arguments], cwd=ROOT,
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        self.env = {}
        for line in self.process.stdout:
            if line == "ready\n":
                break
            name, value = re.match(r"export (\w+)='(.*)'$", line).groups()
            self.env[name] = value
        self.url = self.env["AWS_ENDPOINT_URL"]
        self.subnet, self.group, self.image = (self.env[n] for n in ("SUBNET_ID", "SECURITY_GROUP_ID", "IMAGE_ID"))
        self.vpc = self.env["VPC_ID"]
        self.strays = []

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.process.stdin.close()
        self.process.stdout.close()
        self.process.wait(10)

    def client(self, parameter_validation=True, **more):
        settings = dict(
            endpoint_url=self.url, region_name=self.env["AWS_REGION"],
            aws_access_key_id=self.env["AWS_ACCESS_KEY_ID"], aws_secret_access_key=self.env["AWS_SECRET_ACCESS_KEY"],
            aws_session_token=self.env.get("AWS_SESSION_TOKEN"),
            config=botocore.config.Config(retries={"total_max_attempts": 1}, proxies={}, read_timeout=20,
                                          parameter_validation=parameter_validation))
        settings.update(more)
        client = boto3.client("ec2", **settings)
        client.meta.events.register("response-received.ec2", self.check_answer(client))
        return client

    def check_answer(self, client):
        def check(response_dict, context=None, **_):
            if not response_dict or response_dict["status_code"] != 200:
                return
            operation = client.meta.service_model.operation_model(re.match(
                r".*?}(\w+)Response", ElementTree.fromstring(response_dict["body"]).tag).group(1))
            tree = ElementTree.fromstring(response_dict["body"])
            walk(tree, operation.output_shape, operation.name, self.strays)
        return check


def local(element):
    return element.tag.split("}")[-1]


def members(shape):
    return {inner.serialization.get("name", name): inner for name, inner in shape.members.items()}


def scalar_fits(kind, text):
    if kind == "boolean":
        return text in ("true", "false")
    if kind in ("integer", "long"):
        return re.fullmatch(r"-?\d+", text or "") is not None
    if kind == "timestamp":
        return re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z", text or "") is not None
    return True


def walk(element, shape, path, strays):
    """Notes every element that the model does not have, and every value of the wrong type."""
    if shape is None:
        known = {}
    elif shape.type_name == "structure":
        known = members(shape)
    elif shape.type_name == "list":
        for item in element:
            if local(item) != shape.member.serialization.get("name", "item"):
                strays.append(path + "/" + local(item))
            walk(item, shape.member, path + "/item", strays)
        return
    else:
        if len(element) or not scalar_fits(shape.type_name, element.text):
            strays.append("%s is no %s: %r" % (path, shape.type_name, element.text))
        return
    for child in element:
        name = local(child)
        if name in known:
            walk(child, known[name], path + "/" + name, strays)
        elif name not in NEWER and not (path.count("/") == 0 and name in ("requestId", "return")):
            strays.append(path + "/" + name)


def refusal(function, *arguments, **parameters):
    """The code and the HTTP status with which a call is refused."""
    try:
        function(*arguments, **parameters)
    except botocore.exceptions.ClientError as error:
        return error.response["Error"]["Code"], error.response["ResponseMetadata"]["HTTPStatusCode"]
    return None, 200


class Tap:
    """Runs functions as tests and prints what came of them."""

    def __init__(self):
        self.count = self.failed = 0

    def run(self, name, function, *arguments):
        import traceback
        self.count += 1
        try:
            function(*arguments)
            print("ok %d - %s" % (self.count, name), flush=True)
        except BaseException:
            self.failed += 1
            print("not ok %d - %s" % (self.count, name))
            for line in traceback.format_exc().splitlines():
                print("# " + line, flush=True)

    def done(self):
        print("1..%d" % self.count)
        return 1 if self.failed else 0


def sign(box, body, method="POST", target="/", headers=(), when=None, secret=None, region=None):
    """The headers of a request, signed by botocore as of a time (default: now)."""
    import datetime
    from unittest import mock

    import botocore.auth
    import botocore.awsrequest
    import botocore.credentials
    request = botocore.awsrequest.AWSRequest(method, box.url + target, data=body, headers=dict(
        {"Content-Type": "application/x-www-form-urlencoded; charset=utf-8"}, **dict(headers)))
    keys = botocore.credentials.Credentials(
        box.env["AWS_ACCESS_KEY_ID"], secret or box.env["AWS_SECRET_ACCESS_KEY"], box.env.get("AWS_SESSION_TOKEN"))
    signer = botocore.auth.SigV4Auth(keys, "ec2", region or box.env["AWS_REGION"])
    with CLOCK, mock.patch("botocore.auth.datetime") as clock:
        clock.datetime.utcnow.return_value = when or datetime.datetime.utcnow()
        signer.add_auth(request)
    return dict(request.headers.items())


def send(box, body, method="POST", target="/", headers=None, timeout=10):
    """A raw request: (status, headers, body) of its answer."""
    import http.client
    connection = http.client.HTTPConnection("127.0.0.1", int(box.url.rsplit(":", 1)[1]), timeout=timeout)
    try:
        connection.request(method, target, body=body, headers=headers or {})
        answer = connection.getresponse()
        return answer.status, dict((k.lower(), v) for k, v in answer.getheaders()), answer.read().decode()
    finally:
        connection.close()


def call(box, action, timeout=10, **parameters):
    """A signed request by its parameters on the wire: (status, headers, body)."""
    from urllib.parse import urlencode
    body = urlencode(dict({"Action": action, "Version": "2016-11-15"}, **parameters))
    return send(box, body, headers=sign(box, body), timeout=timeout)


def control(box, method, path, document=None):
    """A request to the sandbox itself."""
    import json
    return json.loads(send(box, json.dumps(document) if document is not None else None, method, "/_sandbox/" + path)[2])


def code_of(answer):
    """The error code of a raw answer."""
    found = re.search(r"<Code>(.*?)</Code>", answer[2])
    return found and found.group(1)
