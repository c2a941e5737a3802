#!/usr/bin/python3
"""Random shorthand, parsed by the AWS CLI: one JSON document a line.

usage: shorthand.py COUNT [SEED]

Prints [text, value] or [text, null, message].
"""

import json
import random
import sys

from awscli.shorthand import ShorthandParseError, ShorthandParser

PIECES = [
    "a", "b", "Name", "Values", "=", ",", "=", ",", "{", "}", "[", "]", "'", '"', "\\", "\\,", " ", "x y", "1", "\n",
    "é", "€", "😀", ".", "-", "/", ":", "a=b", "A={", "B=[", "}", "]", "~", "|", "<", ">", "(", "@", "%", "\t", "^",
    "_", "!", "'q'", '"r"', "\\'", '\\"',
]


def case():
    text = "".join(random.choices(PIECES, k=random.randint(1, 10)))
    if random.random() < 0.7:
        text = "a=" + text
    try:
        return [text, ShorthandParser().parse(text)]
    except ShorthandParseError as error:
        return [text, None, str(error)]


random.seed(int(sys.argv[2]) if len(sys.argv) > 2 else 1)
for _ in range(int(sys.argv[1])):
    print(json.dumps(case()))
