#!/usr/bin/python3
"""Cases for tests/lua/aws, made and answered by botocore: one JSON document a line.

usage: ec2.py requests|answers|checks PER_OPERATION [SEED]

requests  {"service", "operation", "params", "pairs"}   what botocore's serializer makes of the parameters
answers   {"service", "operation", "body", "result"}    what botocore's parser makes of an XML body
checks    {"service", "operation", "params", "accepted"} what botocore's validator says of damaged parameters
"""

import base64
import json
import random
import sys
from xml.sax.saxutils import escape

from botocore import parsers, serialize, validate
from botocore.loaders import Loader
from botocore.model import ServiceModel

LETTERS = "abcXYZ019 -_.~:/+&=%<>\"'\\;*()[]{}é日😀\t"
TIMES = [
    "2016-11-15T08:30:00Z", "2016-11-15T08:30:00.123Z", "2016-11-15 08:30:00+02:00",
    "2020-02-29", "1999-12-31T23:59:59.999999-11:30", "2038-01-19T03:14:08", "2000-01-01T10:20",
]


def services():
    loader = Loader()
    for name in ("ec2", "sts"):
        yield name, ServiceModel(loader.load_service_model(name, "service-2"), name)


class Values:
    """Random values that a shape accepts."""

    def __init__(self, rng):
        self.rng = rng

    def of(self, shape, depth=0):
        return getattr(self, shape.type_name)(shape, depth)

    def text(self, least=0):
        return "".join(self.rng.choice(LETTERS) for _ in range(least + self.rng.randint(0, 8)))

    def structure(self, shape, depth):
        required = shape.metadata.get("required", [])
        share = 0.6 / (depth + 1)
        return {
            name: self.of(member, depth + 1)
            for name, member in shape.members.items()
            if name in required or (depth < 7 and self.rng.random() < share)
        }

    def list(self, shape, depth):
        count = shape.metadata.get("min", 0) + self.rng.choice([0, 1, 1, 2, 3])
        return [self.of(shape.member, depth + 1) for _ in range(count)]

    def string(self, shape, depth):
        return self.text(shape.metadata.get("min", 0))

    def integer(self, shape, depth):
        least = shape.metadata.get("min", -3)
        return least + self.rng.choice([0, 1, 7, 65535, 2**31 - 1 - least])

    def long(self, shape, depth):
        return self.rng.choice([0, -5, 2**40, 2**63 - 1])

    def double(self, shape, depth):
        return shape.metadata.get("min", 0) + self.rng.choice([0.25, 1.0, 0.1, 3, 1e-7, 12345.678])

    float = double

    def boolean(self, shape, depth):
        return self.rng.random() < 0.5

    def timestamp(self, shape, depth):
        return self.rng.choice(TIMES + [0, 1479198600, 1479198600.25, 86399.999999])

    def blob(self, shape, depth):
        return self.text()


def requests(rng, service, model, operation, values):
    serializer = serialize.create_serializer(model.metadata["protocol"])
    params = values.of(operation.input_shape)
    pairs = serializer.serialize_to_request(params, operation)["body"]
    return {"params": params, "pairs": {key: str(value) for key, value in pairs.items()}}


class Answers:
    """Random XML of a shape, in every spelling that XML allows."""

    def __init__(self, rng, values):
        self.rng = rng
        self.values = values

    def space(self):
        return self.rng.choice(["", "", "\n    ", "\r\n\t", "<!-- <x> -->", "<?pi x?>"])

    def element(self, name, content):
        if content == "":
            return self.rng.choice([f"<{name}/>", f"<{name}></{name}>", f'<{name} a="&lt;"/>'])
        attributes = self.rng.choice(["", "", ' xmlns="http://ec2.amazonaws.com/doc/2016-11-15/"', " a='1' b='>'"])
        return f"<{name}{attributes}>{content}</{name}>"

    def unknown(self):
        if self.rng.random() < 0.85:
            return ""
        inner = self.rng.choice(["", "x", "<item><key>k</key></item>", "<newThing><newThing/>y</newThing>"])
        return self.element("notInTheModel", inner)

    def text(self, text):
        how = self.rng.random()
        if how < 0.1 and text and "]]>" not in text:
            return f"<![CDATA[{text}]]>"
        if how < 0.2:
            return "".join(f"&#{ord(c)};" for c in text)
        if how < 0.25:
            return self.space().strip() + escape(text)
        return escape(text, {'"': "&quot;"} if how < 0.5 else {})

    def content(self, shape, depth=0):
        if shape.type_name == "structure":
            parts = [
                self.space() + self.element(member.serialization.get("name", name), self.content(member, depth + 1))
                for name, member in shape.members.items()
                if self.rng.random() < 0.7 / (depth / 2 + 1)
            ]
            self.rng.shuffle(parts)
            parts.insert(self.rng.randint(0, len(parts)), self.unknown())
            return "".join(parts) + (self.space() if parts != [""] else "")
        if shape.type_name == "list":
            count = self.rng.choice([0, 1, 1, 2, 4]) if depth < 8 else 0
            name = shape.member.serialization.get("name", self.rng.choice(["item", "member"]))
            return "".join(self.space() + self.element(name, self.content(shape.member, depth + 1)) for _ in range(count))
        return self.text(self.scalar(shape))

    def scalar(self, shape):
        if shape.type_name == "boolean":
            return self.rng.choice(["true", "false", "false", "", "TRUE"])
        if shape.type_name in ("integer", "long"):
            return self.rng.choice(["0", "7", "-12", "65535", str(2**62), "+3", " 8 ", "007"])
        if shape.type_name in ("double", "float"):
            return self.rng.choice(["0.5", "3", "1e3", "-0.25", "0.016"])
        if shape.type_name == "timestamp":
            return self.rng.choice(["2016-11-15T08:30:00.000Z", "2016-11-15T08:30:00Z", ""])
        if shape.type_name == "blob":
            return base64.b64encode(self.values.text().encode()).decode()
        return self.rng.choice([self.values.text(), "eni-0123456789abcdef0", "2001:db8::1", "  two  ", "", "a\nb"])


def answers(rng, service, model, operation, values):
    make = Answers(rng, values)
    shape = operation.output_shape
    inner = make.content(shape) if shape else "<return>true</return>"
    request_id = "59dbff89-35bd-4eac-99ed-be587EXAMPLE"
    if service == "ec2":
        inner = f"<requestId>{request_id}</requestId>" + inner
    else:
        wrapper = shape.serialization["resultWrapper"]
        inner = f"<{wrapper}>{inner}</{wrapper}><ResponseMetadata><RequestId>{request_id}</RequestId></ResponseMetadata>"
    head = rng.choice(["", '<?xml version="1.0" encoding="UTF-8"?>\n', "\ufeff"])
    body = f"{head}<{operation.name}Response xmlns='http://ec2.amazonaws.com/doc/2016-11-15/'>{inner}</{operation.name}Response>\n"
    kind = parsers.PROTOCOL_PARSERS[model.metadata["protocol"]]
    parser = kind(timestamp_parser=lambda text: text, blob_parser=lambda text: base64.b64decode(text).decode())
    result = parser.parse({"body": body.encode(), "headers": {}, "status_code": 200}, shape)
    assert result.pop("ResponseMetadata")["RequestId"] == request_id
    return {"body": body, "result": result}


def places(value):
    """Every table in a value that can be damaged, with its keys."""
    found = []
    items = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else []
    for key, inner in items:
        found.append((value, key))
        found += places(inner)
    return found


def damage(rng, params):
    """Changes one thing. What Lua cannot tell apart is left alone: an empty list
    from an empty structure, a float without a fraction from an integer."""
    found = places(params)
    if not found or rng.random() < 0.2:
        rng.choice([params] + [table[key] for table, key in found if isinstance(table[key], dict)])["Bogus"] = "x"
        return
    table, key = rng.choice(found)
    how = rng.choice(["remove", "text", "number", "fraction", "boolean", "list", "structure", "rename", "low"])
    if how == "remove" and (isinstance(table, dict) or len(table) > 1):
        del table[key]
    elif how == "rename" and isinstance(table, dict):
        table[key + "s"] = table.pop(key)
    elif how == "low":
        table[key] = rng.choice([-1, 0, "", 4, "a", "ab"])
    else:
        table[key] = {
            "text": "x", "number": 5, "fraction": 5.5, "boolean": True, "list": ["x"], "structure": {"Bogus": "x"},
        }.get(how, "x")


def disputed(shape, value):
    """Whether botocore accepts what the client refuses on purpose: true for a
    number, and any text that dateutil makes sense of for a time."""
    if shape.type_name == "structure" and isinstance(value, dict):
        return any(disputed(shape.members[key], value[key]) for key in value if key in shape.members)
    if shape.type_name == "list" and isinstance(value, list):
        return any(disputed(shape.member, element) for element in value)
    if shape.type_name == "timestamp":
        return value not in TIMES
    return isinstance(value, bool) and shape.type_name in ("integer", "long", "float", "double")


def checks(rng, service, model, operation, values):
    params = values.of(operation.input_shape)
    for _ in range(rng.choice([0, 1, 1, 2])):
        damage(rng, params)
    if disputed(operation.input_shape, params):
        return None
    report = validate.ParamValidator().validate(params, operation.input_shape)
    return {"params": params, "accepted": not report.has_errors()}


def main():
    if len(sys.argv) not in (3, 4) or sys.argv[1] not in ("requests", "answers", "checks"):
        sys.exit(__doc__)
    make = globals()[sys.argv[1]]
    rng = random.Random(int(sys.argv[3]) if len(sys.argv) > 3 else 1)
    values = Values(rng)
    for service, model in services():
        for name in model.operation_names:
            for _ in range(int(sys.argv[2])):
                case = make(rng, service, model, model.operation_model(name), values)
                if case:
                    print(json.dumps({"service": service, "operation": name, **case}))


if __name__ == "__main__":
    main()
