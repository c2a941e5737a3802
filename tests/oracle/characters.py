#!/usr/bin/python3
"""What Python makes of characters: one JSON document {"wide", "hidden", "upper", "repaired"}.

`wide` counts the characters that take two columns, `hidden` those that repr() escapes, of each block of 256;
`upper` has the capitals of characters that have some; `repaired` pairs of bytes, in hexadecimal, and the text
that they are decoded to.
"""

import json
import random
import unicodedata

CODES = [code for code in range(0xA0, 0x20000) if not 0xD800 <= code <= 0xDFFF]
PIECES = [b"a", b"\xc3\xa9", b"\xe6\x97\xa5", b"\xf0\x9f\x98\x80", b"\x80", b"\xff", b"\xc0", b"\xc3", b"\xe0\x80", b"\xe0\xa0",
          b"\xe6\x97", b"\xed\xa0\x80", b"\xed\x9f", b"\xf0\x80", b"\xf0\x9f", b"\xf0\x9f\x98", b"\xf4\x90", b"\xf4\x8f\xbf", b"\xf5"]


def blocks(holds):
    counts = {}
    for code in filter(holds, CODES):
        counts[str(code // 256)] = counts.get(str(code // 256), 0) + 1
    return counts


rng = random.Random(1)
texts = [b"".join(rng.choice(PIECES) for _ in range(rng.randint(1, 6))) for _ in range(2000)]
print(json.dumps({
    "wide": blocks(lambda code: unicodedata.east_asian_width(chr(code)) in "WFA"),
    "hidden": blocks(lambda code: not chr(code).isprintable()),
    "upper": {chr(code): chr(code).upper() for code in CODES if chr(code).upper() != chr(code)},
    "repaired": [[text.hex(), text.decode("utf-8", "replace")] for text in texts],
}))
