#!/usr/bin/python3
"""Random command lines of EC2, and what the AWS CLI makes of them: one JSON document a line.

usage: cli_bodies.py DIRECTORY COUNT OPERATIONS [SEED]     files that command lines name go into DIRECTORY
   or: cli_bodies.py FILE                                  FILE has a command line a line, as a JSON list

Prints {"argv", "status", "body", "stdout", "stderr"}; body is that of the last request that the command would have sent,
null where there was none. Nothing is sent: an empty answer comes back at once.
"""

import contextlib
import io
import json
import os
import random
import sys

import awscli_process  # first: it sets the environment  # noqa: F401
from awscli.clidriver import AWSCLIEntryPoint, create_clidriver
from botocore.awsrequest import AWSResponse


class Raw(io.BytesIO):
    def stream(self, **_kwargs):
        yield self.read()


def run(argv):
    bodies = []

    def answer(request, **_kwargs):
        body = request.body
        bodies.append(body.decode() if isinstance(body, bytes) else body)
        action = bodies[-1].split("Action=")[1].split("&")[0]
        text = f"<{action}Response><requestId>r</requestId></{action}Response>"
        return AWSResponse(request.url, 200, {"Content-Type": "text/xml"}, Raw(text.encode()))

    out, err = io.StringIO(), io.StringIO()
    with contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
        driver = create_clidriver(argv)
        driver.session.register("before-send.*", answer)
        status = AWSCLIEntryPoint(driver).main(argv)
    return {"argv": argv, "status": status, "body": bodies[-1] if bodies else None, "stdout": out.getvalue(),
            "stderr": err.getvalue()}


# --- random command lines ---------------------------------------------------------

WORDS = [
    "a", "eni-1", "sg-0123", "vpc 1", "x,y", "a=b", "é", "日本", "10.0.0.0/8", "2001:db8::1", "it's", 'say "x"', "back\\slash",
    "", "-1", "{x}", "[y]", "true", "1", "tag:Name", "*", "a&b+c%20", "#", "~", "😀", " lead", "trail ", "a\nb",
]


# bundle-instance makes a policy for the time, copy-snapshot a URL.
LEFT_OUT = ("wait", "bundle-instance", "copy-snapshot", "help")


class Lines:
    def __init__(self, directory, seed):
        self.random = random.Random(seed)
        self.directory, self.files = directory, 0
        self.commands = create_clidriver().subcommand_table["ec2"].subcommand_table

    def word(self, shape):
        if getattr(shape, "enum", None) and self.random.random() < 0.8:
            return self.random.choice(shape.enum)
        return self.random.choice(WORDS)

    def scalar(self, shape):
        kind = shape.type_name
        if kind in ("integer", "long"):
            return self.random.choice([0, 1, 5, 10, 1000, 65535, 2**31])
        if kind in ("double", "float"):
            return self.random.choice([0.5, 1.0, 0.1, 12.25])
        if kind == "boolean":
            return self.random.random() < 0.5
        if kind == "timestamp":
            return self.random.choice(["2024-02-29T12:30:00Z", "2023-01-01", "1700000000", "2024-01-01T00:00:00.25+01:00"])
        return self.word(shape)

    def value(self, shape, depth=0):
        if shape.type_name == "structure":
            members = {}
            for name, member in shape.members.items():
                if name in shape.required_members or self.random.random() < (0.5, 0.4, 0.2, 0)[min(depth, 3)]:
                    members[name] = self.value(member, depth + 1)
            return members
        if shape.type_name == "list":
            return [self.value(shape.member, depth + 1) for _ in range(self.random.randint(1, 3))]
        return self.scalar(shape)

    def quoted(self, text):
        if self.random.random() < 0.7 and text and not set(text) & set(" ,='\"[]{}\\\n😀"):
            return text
        quote = self.random.choice("'\"")
        return quote + text.replace("\\", "\\\\").replace(quote, "\\" + quote) + quote

    def text(self, value):
        return str(value).lower() if isinstance(value, bool) else str(value)

    def shorthand(self, value, top=False):
        if isinstance(value, dict):
            pairs = ",".join(f"{key}={self.inner(each, top)}" for key, each in value.items())
            return pairs if top else "{" + pairs + "}"
        return self.inner(value, top)

    def inner(self, value, top):
        if isinstance(value, dict):
            return self.shorthand(value)
        if isinstance(value, list):
            inner = ",".join(self.inner(each, False) for each in value)
            bare = top and value and not any(isinstance(each, (dict, list)) for each in value)
            return inner if bare and self.random.random() < 0.7 else "[" + inner + "]"
        return self.quoted(self.text(value))

    def file(self, content, scheme="file"):
        self.files += 1
        path = os.path.join(self.directory, f"value{self.files}")
        with open(path, "wb") as file:
            file.write(content.encode() if isinstance(content, str) else content)
        return f"{scheme}://{path}"

    def json(self, value):
        text = json.dumps(value, ensure_ascii=self.random.random() < 0.5)
        return self.file(text) if self.random.random() < 0.2 else text

    def complex(self, shape):
        value = self.value(shape)
        if self.random.random() < 0.4:
            return [self.json(value)]
        if shape.type_name == "structure":
            return [self.shorthand(value, True)] if value else [self.json(value)]
        if shape.member.type_name != "structure":
            return [self.text(each) for each in value]
        return [self.shorthand(each, True) for each in value if each] or [self.json(value)]

    def blob(self):
        content = bytes(self.random.randrange(256) for _ in range(30))
        if self.random.random() < 0.5:
            return [self.file(content, "fileb")]
        import base64
        return [base64.b64encode(content).decode()]

    def option(self, name, argument):
        shape = argument.argument_model
        if name == "count":
            return ["--count", self.random.choice(["1", "2", "3:7"])]  # the AWS CLI stumbles over a wrong one
        if shape.type_name == "boolean" or name.startswith("no-"):
            return ["--" + name]
        if shape.type_name == "blob":
            values = self.blob()
        elif shape.type_name in ("structure", "list"):
            values = self.complex(shape)
        else:
            values = [self.text(self.scalar(shape))]
            if self.random.random() < 0.05:
                values = [self.file(values[0])]
        if len(values) == 1 and (self.random.random() < 0.3 or values[0].startswith("-")):
            return [f"--{name}={values[0]}"]
        return ["--" + name, *values]

    def line(self, name):
        words = ["ec2", name]
        for option, argument in self.commands[name].arg_table.items():
            own = option not in ("cli-input-json", "cli-input-yaml", "generate-cli-skeleton", "priv-launch-key", "owner-sak")
            if own and (argument.required or self.random.random() < 0.25):
                words += self.option(option, argument)
        return words


def lines(directory, count, operations, seed):
    maker = Lines(directory, seed)
    names = [name for name in maker.commands if name not in LEFT_OUT]
    usual = ["run-instances", "create-network-interface", "describe-instances", "import-key-pair", "modify-instance-attribute",
             "authorize-security-group-ingress", "create-launch-template", "request-spot-fleet"]
    names = usual + maker.random.sample(sorted(set(names) - set(usual)), operations - len(usual))
    for number in range(count):
        yield maker.line(names[number % len(names)])


if len(sys.argv) > 2:
    all_lines = lines(sys.argv[1], int(sys.argv[2]), int(sys.argv[3]), int(sys.argv[4]) if len(sys.argv) > 4 else 1)
else:
    all_lines = (json.loads(line) for line in open(sys.argv[1], encoding="utf-8"))
for one in all_lines:
    print(json.dumps(run(one)), flush=True)
