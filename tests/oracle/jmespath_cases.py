#!/usr/bin/python3
"""Random JMESPath expressions and documents, answered by jmespath.py: one JSON document a line.

usage: jmespath_cases.py COUNT [SEED]

Prints {"expression", "document", "result"} or {"expression", "document", "error"}, the error being the
specification's name for its kind. Documents and results are JSON texts, in which the order of keys shows,
and whether a number is a float.

jmespath.py is taken as it is, but for what is no behaviour: where an expression reference is no function's
argument or is none that the function takes (it would be a Python object in the result), and where merge() is
given something else than objects. Python's own errors count as the kind that they should have been.
"""

import json
import random
import re
import sys
import warnings

from jmespath import exceptions, functions, parser, visitor

warnings.simplefilter("ignore")

NAMES = ["a", "b", "c", "d1", '"d e"', '"\\u00e9"', '"x\\"y"', '"a"']
STRINGS = ["", "a", "b", "ab", "é", "日本", "😀", "10", "-2.5", "1e2", "x\"y", "tab\t", "\\", "0x10", " 1",
           "1_000", "+.5", "1.", "\x7f"]
TAKES = {
    "abs": "n", "avg": "N", "ceil": "n", "contains": "aa", "ends_with": "ss", "floor": "n", "join": "sS", "keys": "o",
    "length": "a", "map": "&L", "max": "N", "max_by": "L&", "merge": "oo", "min": "S", "min_by": "L&", "not_null": "aa",
    "reverse": "L", "sort": "S", "sort_by": "L&", "starts_with": "ss", "sum": "N", "to_array": "a", "to_number": "s",
    "to_string": "a", "type": "a", "values": "o",
}


class Documents:
    def __init__(self, rng):
        self.rng = rng

    def value(self, depth=0):
        kind = self.rng.choice(["object", "object", "array", "array", "string", "number", "boolean", "null"])
        if depth > 3 and kind in ("object", "array"):
            kind = "number"
        return getattr(self, kind)(depth)

    def object(self, depth):
        keys = self.rng.sample(["a", "b", "c", "d1", "d e", "é", 'x"y'], self.rng.choice([0, 2, 3, 4, 6, 7]))
        return {key: self.value(depth + 1) for key in keys}

    def array(self, depth):
        count = self.rng.randint(0, 5)
        how = self.rng.choice(["mixed", "numbers", "strings", "objects", "objects"])
        make = {
            "mixed": lambda: self.value(depth + 1),
            "numbers": lambda: self.number(depth),
            "strings": lambda: self.string(depth),
            "objects": lambda: self.object(depth + 1) if depth < 3 else self.number(depth),
        }[how]
        return [make() for _ in range(count)]

    def string(self, depth):
        return self.rng.choice(STRINGS)

    def number(self, depth):
        return self.rng.choice([0, 1, 2, -3, 10, 0.5, -2.5, 3.75, 1.0, 2**53, 65535])

    def boolean(self, depth):
        return self.rng.random() < 0.5

    def null(self, depth):
        return None


class Expressions:
    """Random expressions; `any` gives one that may stand anywhere."""

    def __init__(self, rng):
        self.rng = rng
        self.documents = Documents(rng)

    def pick(self, *choices):
        return self.rng.choice(choices)

    def any(self, depth=0):
        if depth > 4:
            return self.name()
        return self.rng.choices(
            [self.path, self.operator, self.call, self.literal, self.raw, self.select, self.group],
            [12, 3, 4, 2, 1, 2, 1],
        )[0](depth + 1)

    def name(self):
        return self.rng.choice(NAMES)

    def space(self):
        return self.rng.choice(["", "", "", " ", "\n", "\t "])

    def path(self, depth):
        text = self.pick(self.name(), self.name(), "@", "*", "[]", "[*]", self.call(depth), self.group(depth), f"[{self.slice()}]")
        for _ in range(self.rng.randint(0, 3)):
            text += self.space() + self.step(depth)
        return text

    def step(self, depth):
        return self.rng.choices(
            [
                lambda: "." + self.space() + self.name(),
                lambda: ".*",
                lambda: "[*]",
                lambda: "[]",
                lambda: f"[{self.rng.randint(-4, 4)}]",
                lambda: f"[{self.slice()}]",
                lambda: f"[?{self.any(depth)}]",
                lambda: "." + self.select(depth),
                lambda: "." + self.call(depth),
            ],
            [8, 1, 2, 3, 2, 1, 2, 1, 1],
        )[0]()

    def slice(self):
        def part():
            return self.pick("", "", str(self.rng.randint(-6, 6)))

        third = self.pick("", ":", f":{self.pick(-3, -2, -1, 1, 2, 3, 1, 0, 0)}")
        return f"{part()}:{part()}{third}"

    def operator(self, depth):
        if self.rng.random() < 0.2:
            return "!" + self.any(depth)
        sign = self.pick("||", "&&", "|", "==", "!=", "<", "<=", ">", ">=")
        return self.any(depth) + self.space() + sign + self.space() + self.any(depth)

    def argument(self, kind, depth):
        """What a function takes most often, else anything."""
        if kind == "&":
            return "&" + self.pick(self.name(), self.name(), "@", self.any(depth))
        if kind == "a" or self.rng.random() < 0.3:
            return self.any(depth)
        if kind == "s":
            return self.raw(depth)
        value = {
            "n": lambda: self.documents.number(0),
            "N": lambda: [self.documents.number(0) for _ in range(self.rng.randint(0, 4))],
            "S": lambda: [self.documents.string(0) for _ in range(self.rng.randint(0, 4))],
            "o": lambda: self.documents.object(3),
            "L": lambda: self.documents.array(2),
        }[kind]()
        return self.json(value)

    def call(self, depth):
        name = self.rng.choice(list(TAKES))
        arguments = [self.argument(kind, depth) for kind in TAKES[name]]
        mistake = self.rng.random()
        if mistake < 0.02:
            name += "x"
        elif mistake < 0.05:
            arguments.append("@")
        elif mistake < 0.07:
            arguments.pop()
        return f"{name}({self.space()}{(',' + self.space()).join(arguments)})"

    def json(self, value):
        return "`" + json.dumps(value, ensure_ascii=self.rng.random() < 0.5).replace("`", "\\`") + "`"

    def literal(self, depth):
        if self.rng.random() < 0.1:
            return self.pick("`foo`", "` foo bar `", "`tr\\`ue`", "`1.`", "`[`", "`NaN`", "`[-Infinity, Infinity]`")
        return self.json(self.documents.value(2))

    def raw(self, depth):
        return "'" + self.rng.choice(STRINGS + ["it\\'s", "\\n", "\\\\"]).rstrip("\\") + "'"

    def select(self, depth):
        parts = [self.any(depth) for _ in range(self.rng.randint(1, 3))]
        if self.rng.random() < 0.5:
            return "[" + ", ".join(parts) + "]"
        return "{" + ", ".join(f"{self.name()}: {part}" for part in parts) + "}"

    def group(self, depth):
        return f"({self.any(depth)})"

    def damaged(self, text):
        place = self.rng.randint(0, len(text))
        how = self.rng.random()
        if how < 0.4:
            return text[:place] + text[place + 1:]
        if how < 0.8:
            return text[:place] + self.rng.choice(list("[]{}().*,:@&|!<>=`'\"-?\\ a0#é") + ["[?", "||"]) + text[place:]
        return text[:place]


class Functions(functions.Functions):
    def _type_check(self, actual, signature, function_name):
        super()._type_check(actual, signature, function_name)
        for i, value in enumerate(actual):
            types = signature[min(i, len(signature) - 1)]["types"]
            if (types == ["object"] and not isinstance(value, dict)) or (not types and isinstance(value, visitor._Expression)):
                raise exceptions.JMESPathTypeError(function_name, value, "?", types)


def misplaced_expref(node):
    children = [child for child in node.get("children", []) if isinstance(child, dict)]
    misplaced = node["type"] != "function_expression" and any(child["type"] == "expref" for child in children)
    return misplaced or any(map(misplaced_expref, children))


ERRORS = [
    (exceptions.ArityError, "invalid-arity"),
    (exceptions.UnknownFunctionError, "unknown-function"),
    (exceptions.JMESPathTypeError, "invalid-type"),
    (exceptions.ParseError, "syntax"),
    (exceptions.LexerError, "syntax"),
    (exceptions.EmptyExpressionError, "syntax"),
]


def kind_of(error):
    for kind, name in ERRORS:
        if isinstance(error, kind):
            return name
    message = str(error)
    if isinstance(error, ValueError) and message == "slice step cannot be zero":
        return "invalid-value"
    if isinstance(error, TypeError) and ("not supported between" in message or "requires string as left operand" in message):
        return "invalid-type"
    raise error


def printable(found):
    """Half a pair of surrogates cannot be printed: it is U+FFFD here."""
    return json.loads(re.sub("[\ud800-\udfff]", "\ufffd", json.dumps(found, ensure_ascii=False)))


def answer(expression, document):
    try:
        parsed = parser.Parser().parse(expression)
        if parsed.parsed["type"] == "expref" or misplaced_expref(parsed.parsed):
            return {"error": "syntax"}
        found = parsed.search(document, visitor.Options(custom_functions=Functions()))
    except Exception as error:
        return {"error": kind_of(error)}
    return {"result": json.dumps(printable(found), separators=(",", ":"))}


def main():
    if len(sys.argv) not in (2, 3):
        sys.exit(__doc__)
    rng = random.Random(int(sys.argv[2]) if len(sys.argv) > 2 else 1)
    documents, expressions = Documents(rng), Expressions(rng)
    for _ in range(int(sys.argv[1])):
        document = documents.object(0) if rng.random() < 0.8 else documents.value()
        expression = expressions.any()
        if rng.random() < 0.15:
            expression = expressions.damaged(expression)
        print(json.dumps({"expression": expression, "document": json.dumps(document), **answer(expression, document)}))


if __name__ == "__main__":
    main()
