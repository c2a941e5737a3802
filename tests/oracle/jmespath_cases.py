#!/usr/bin/python3
"""Random JMESPath expressions and documents, answered by jmespath.py: one JSON document a line.

usage: jmespath_cases.py COUNT [SEED]

Prints {"expression", "document", "result"} or {"expression", "document", "error"}, the error being the
specification's name for its kind. jmespath.py is corrected where it is a sloppy parser or shows Python
through (see Strict, Interpreter and Functions), and errors that need no document count even where
evaluation does not reach them.
"""

import json
import random
import sys
import warnings

from jmespath import exceptions, functions, parser, visitor
from jmespath.functions import signature

warnings.simplefilter("ignore")

NAMES = ["a", "b", "c", "d1", '"d e"', '"\\u00e9"', '"x\\"y"', '"a"']
STRINGS = ["", "a", "b", "ab", "é", "日本", "😀", "10", "-2.5", "1e2", "x\"y", "tab\t", "\\", "0x10", " 1"]
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
        keys = sorted(self.rng.sample(["a", "b", "c", "d1", "d e", "é", 'x"y'], self.rng.choice([0, 2, 3, 4, 6, 7])))
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

        third = self.pick("", ":", f":{self.pick(-3, -2, -1, 1, 2, 3, 1, 2, 0)}")
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
            return self.pick("`foo`", "` foo bar `", "`tr\\`ue`", "`1.`", "`[`")
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


class Strict(parser.Parser):
    """Wants the commas that the grammar wants, and a name before a call."""

    def _token_led_lparen(self, left):
        if self._lookahead_token(-2)["type"] != "unquoted_identifier":
            self._raise_parse_error_for_token(self._lookahead_token(-2), "no function name")
        index = self._index
        node = super()._token_led_lparen(left)
        if node["children"]:
            self.check_commas(index, len(node["children"]))
        return node

    def check_commas(self, start, count):
        depth = commas = 0
        for token in self._tokens[start:self._index - 1]:
            if token["type"] in ("lparen", "lbracket", "lbrace", "filter"):
                depth += 1
            elif token["type"] in ("rparen", "rbracket", "rbrace"):
                depth -= 1
            elif token["type"] == "comma" and depth == 0:
                commas += 1
        if commas != count - 1:
            self._raise_parse_error_for_token(self._lookahead_token(0), "a comma too few or too many")

    def _parse_multi_select_hash(self):
        index = self._index
        node = super()._parse_multi_select_hash()
        self.check_commas(index, len(node["children"]))
        return node


def equal(x, y):
    if isinstance(x, bool) or isinstance(y, bool):
        return x is y
    if isinstance(x, list) and isinstance(y, list):
        return len(x) == len(y) and all(map(equal, x, y))
    if isinstance(x, dict) and isinstance(y, dict):
        return x.keys() == y.keys() and all(equal(x[key], y[key]) for key in x)
    return x == y


class Functions(functions.Functions):
    """Equality without Python's 1 == True, JSON's numbers only, keys in order."""

    @signature({"types": ["array", "string"]}, {"types": []})
    def _func_contains(self, subject, search):
        if isinstance(subject, str):
            return isinstance(search, str) and search in subject
        return any(equal(element, search) for element in subject)

    @signature({"types": []})
    def _func_to_number(self, value):
        if isinstance(value, str):
            try:
                number = json.loads(value)
            except ValueError:
                return None
            return number if type(number) in (int, float) and value == value.strip() else None
        return value if type(value) in (int, float) else None

    @signature({"types": []})
    def _func_to_string(self, value):
        return value if isinstance(value, str) else json.dumps(value, separators=(",", ":"), ensure_ascii=False, sort_keys=True)

    @signature({"types": ["object"], "variadic": True})
    def _func_merge(self, *objects):
        for value in objects:
            if not isinstance(value, dict):
                raise exceptions.JMESPathTypeError("merge", value, "?", ["object"])
        merged = {key: value for each in objects for key, value in each.items()}
        return dict(sorted(merged.items()))


class Interpreter(visitor.TreeInterpreter):
    def __init__(self):
        super().__init__(visitor.Options(custom_functions=Functions()))

    def visit_comparator(self, node, value):
        left, right = (self.visit(child, value) for child in node["children"])
        if node["value"] in ("eq", "ne"):
            return equal(left, right) == (node["value"] == "eq")
        numbers = all(type(side) in (int, float) for side in (left, right))
        if not numbers and not all(isinstance(side, str) for side in (left, right)):
            return None
        return self.COMPARATOR_FUNC[node["value"]](left, right)

    def visit_multi_select_dict(self, node, value):
        found = super().visit_multi_select_dict(node, value)
        return found and dict(sorted(found.items()))


def static_error(node):
    """The first error that needs no document, in the order of the text."""
    children = [child for child in node.get("children", []) if isinstance(child, dict)]
    if node["type"] == "filter_projection":
        children = [children[0], children[2], children[1]]
    if node["type"] != "function_expression" and any(child["type"] == "expref" for child in children):
        return "syntax"
    for child in children:
        error = static_error(child)
        if error:
            return error
    if node["type"] == "slice" and node["children"][2] == 0:
        return "invalid-value"
    if node["type"] == "function_expression":
        spec = Functions.FUNCTION_TABLE.get(node["value"])
        if spec is None:
            return "unknown-function"
        count, wanted = len(node["children"]), len(spec["signature"])
        if count < wanted or (count > wanted and not spec["signature"][-1].get("variadic")):
            return "invalid-arity"
    return None


def misplaced_expref(node):
    children = [child for child in node.get("children", []) if isinstance(child, dict)]
    misplaced = node["type"] != "function_expression" and any(child["type"] == "expref" for child in children)
    return misplaced or any(map(misplaced_expref, children))


def answer(expression, document):
    try:
        parsed = Strict()._do_parse(expression).parsed
    except exceptions.JMESPathError:
        return {"error": "syntax"}
    if parsed["type"] == "expref" or misplaced_expref(parsed):
        return {"error": "syntax"}
    error = static_error(parsed)
    if error:
        return {"error": error}
    try:
        return {"result": Interpreter().visit(parsed, document)}
    except exceptions.JMESPathTypeError:
        return {"error": "invalid-type"}
    except TypeError as problem:  # numbers beside strings, in min_by and max_by
        assert "not supported between" in str(problem), (expression, problem)
        return {"error": "invalid-type"}


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
        print(json.dumps({"expression": expression, "document": document, **answer(expression, document)}))


if __name__ == "__main__":
    main()
