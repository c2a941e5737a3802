#!/usr/bin/python3
"""Random answers through the AWS CLI's own formatters: one JSON document a line.

usage: output_cases.py COUNT [SEED]

Prints {"format", "operation", "query" or null, "color", "pages", "keys", "options", "printed", "error"}. `pages` are
JSON texts, so that the order of their keys stays; `keys` are the paginator's result keys, or null for an
answer that is not paged; `options` those of paging. `error` tells that the formatter raised.
"""

import io
import json
import random
import sys
import warnings
from unittest import mock

import jmespath
from awscli import formatter
from botocore.paginate import PageIterator
from colorama.ansitowin32 import AnsiToWin32

warnings.simplefilter("ignore")

FORMATS = ["json", "text", "table", "yaml", "yaml-stream"]
KEYS = [
    "InstanceId", "State", "Tags", "Ipv6Addresses", "a", "Key", "Value", "Z", "b", "Name", "no", "y", "12", "a b", "",
    "é", "日本",
]
WORDS = [
    "running", "", "i-0123456789abcdef0", "2001:db8::1", "True", "true", "null", "~", "yes", "No", "1", "-2.5", "1e3",
    "0x1f", "0o17", "017", "1_000", ".5", "1.", "+1", "12:30:45", "2020-01-02", "2020-01-02T03:04:05+00:00",
    "2020-01-02 03:04:05", "=", "<<", "-", "- a", "a: b", "a:b", "a #b", "a#b", "#a", "&a", "*a", "!a", "|", ">",
    "%a", "@a", "`a", "?", "? a", ":", "[a", "{a", "a]", "a}", "a, b", "'a'", '"a"', "it's", 'say "x"', "a\\b", "é",
    "日本語", "😀", "e\u0301", "a\tb", "a\nb", "a\nb\n", "\na", "a\n\nb", " a", "a ", "a\n b", "\x7f", "\x85x", "\u2028",
    "\ufeffx", "\xa0", "\xad", "---", "...", "--- a", "a" * 100, "word " * 40, "two  spaces  " * 12, "word\n" * 30,
    "é日本 " * 30, "x" * 70 + " yyyyyyyyyyyyy zz", "nan", ".nan", ".inf", "-.Inf", "on", "OFF", "n", "Y", "0", "00",
    "08", "190:20:30", "0b11", "1,000", "a'b \"c\"", "\x1b[0m", "\x01", "C:\\x",
    "\t" + "x" * 90 + " ", "\t" + "x" * 90 + "  y",
]
QUERIES = [
    None, None, None, "@", "*", "[*]", "[]", "keys(@)", "a", "Tags[].Key", "Tags[0]", "{a: a, b: Tags}", "[a, b]",
    "*.*", "[0]", "{z: Tags[].Value, a: Name, x: no}", "{one: Tags, two: Tags}", "to_string(@)", "`{}`", "`[]`",
    "length(@)", "Tags[].[Key, Value]", "Tags[*].{V: Value, K: Key}", "State.Name", "avg(`[1, 2]`)", "values(@)[]",
    "[@, @]", "nothing", "not_null(Tags, @)", "`[NaN, [Infinity, -Infinity]]`", "to_number('-1_0.50e1')",
]
ALPHABET = "    aabcxyzTZ019._+-:#?,[]{}&*!|>%@`~=<'\"\\/()" * 3 + (
    "\n\n\t\r\x00\x7f\x85\xa0\u00e9\u2028\u2029\ufeff\ufffd\U0001f600\u65e5")


class Documents:
    def __init__(self, rng):
        self.rng = rng

    def scalar(self):
        return self.rng.choice([
            lambda: self.rng.choice(WORDS), lambda: self.rng.choice(WORDS), self.noise,
            lambda: "".join(self.rng.choice(WORDS) for _ in range(3)),
            lambda: self.rng.randint(-5, 70000),
            lambda: self.rng.choice([0.0, -0.0, 1.0, 1.5, -2.25, 1e16, 1e15, 1e-5, 0.0001, 1 / 3, 1e300]),
            lambda: self.rng.random() < 0.5, lambda: None,
        ])()

    def noise(self):
        few = "".join(self.rng.choice(ALPHABET) for _ in range(self.rng.randint(1, 12)))
        return "".join(self.rng.choice(few) for _ in range(self.rng.choice([2, 4, 8, 30, 200])))

    def object(self, depth):
        keys = self.rng.sample(KEYS, self.rng.choice([0, 1, 2, 3, 5]))
        if self.rng.random() < 0.02:
            keys.append(self.noise())
        return {key: self.value(depth + 1) for key in keys}

    def array(self, depth):
        how = self.rng.choice(["scalars", "objects", "objects", "alike", "arrays", "mixed"])
        if how == "alike":
            keys = self.rng.sample(KEYS, 3)
            return [{key: self.scalar() for key in keys} for _ in range(self.rng.randint(1, 4))]
        make = {"scalars": self.scalar, "objects": lambda: self.object(depth + 1), "arrays": lambda: self.array(depth + 1),
                "mixed": lambda: self.value(depth + 1)}[how]
        return [make() for _ in range(self.rng.randint(0, 4))]

    def value(self, depth=0):
        kind = self.rng.choice(["scalar", "scalar", "object", "array"]) if depth < 4 else "scalar"
        return self.scalar() if kind == "scalar" else getattr(self, kind)(depth)


def page_of(documents, keys, token):
    page = documents.object(0)
    for key in keys:
        page.pop(key, None)
        if documents.rng.random() < 0.9:
            page[key] = [documents.object(2) for _ in range(documents.rng.randint(0, 5))]
    if token:
        page["NextToken"] = token
    return page


def paging(rng):
    options = {}
    if rng.random() < 0.5:
        options["max_items"] = rng.randint(0, 8)
    if rng.random() < 0.3:
        options["starting_token"] = rng.choice([
            "t1", "None___1", "t1___2", "t1___x", "eyJOZXh0VG9rZW4iOiBudWxsLCAiYm90b190cnVuY2F0ZV9hbW91bnQiOiAxfQ==",
            "eyJOZXh0VG9rZW4iOiAidDEiLCAiYm90b190cnVuY2F0ZV9hbW91bnQiOiAyfQ==", "eyJOZXh0VG9rZW4iOiAidDEifQ=="])
    return options


def iterator(pages, keys, options):
    by_token = {None: 0, **{"t%d" % i: i for i in range(len(pages))}}

    def method(**parameters):
        return json.loads(pages[by_token.get(parameters.get("NextToken"), 0)])

    compiled = [jmespath.compile(key) for key in keys]
    return PageIterator(method, ["NextToken"], [jmespath.compile("NextToken")], None, compiled, [], "MaxResults",
                        options.get("max_items"), options.get("starting_token"), None, {})


def printed(case):
    arguments = mock.Mock(query=case["query"] and jmespath.compile(case["query"]), color="on" if case["color"] else "off")
    stream = target = io.StringIO()
    if case["color"]:
        target = AnsiToWin32(stream, strip=False, autoreset=True).stream
    response = json.loads(case["pages"][0])
    if case["keys"]:
        response = iterator(case["pages"], case["keys"], case["options"])
    with mock.patch("colorama.init"):
        chosen = formatter.get_formatter(case["format"], arguments)
    try:
        chosen(case["operation"], response, target)
    except Exception as error:
        return {"printed": stream.getvalue(), "error": type(error).__name__}
    return {"printed": stream.getvalue()}


def main():
    if len(sys.argv) not in (2, 3):
        sys.exit(__doc__)
    rng = random.Random(int(sys.argv[2]) if len(sys.argv) > 2 else 1)
    documents = Documents(rng)
    for number in range(int(sys.argv[1])):
        keys = rng.choice([None, None, ["Tags"], ["Tags", "State"]])
        count = rng.randint(1, 4) if keys else 1
        pages = [page_of(documents, keys, "t%d" % (i + 1) if i + 1 < count else None) if keys else documents.object(0)
                 for i in range(count)]
        name = FORMATS[number % len(FORMATS)]
        case = {
            "format": name, "operation": rng.choice(["DescribeInstances", "RunInstances"]), "query": rng.choice(QUERIES),
            "color": name == "table" and rng.random() < 0.1, "pages": [json.dumps(page) for page in pages], "keys": keys,
            "options": paging(rng) if keys and count > 1 else {},
        }
        print(json.dumps({**case, **printed(case)}))


if __name__ == "__main__":
    main()
