"""Reads config texts as botocore does: [text, …] -> [{"sections": …, "profiles": …, "sso_sessions": …} or {"error": true}, …]."""
import json
import os
import sys
import tempfile

import botocore.configloader
import botocore.exceptions


def read(text, path):
    # Latin-1 carries the bytes of texts that are not UTF-8 through JSON.
    with open(path, "wb") as file:
        file.write(text.encode("latin-1"))
    try:
        sections = botocore.configloader.raw_config_parse(path)
        mapped = botocore.configloader.load_config(path)
    except botocore.exceptions.ConfigParseError:
        return {"error": True}
    return {
        "sections": sections,
        "order": list(sections),
        "profiles": mapped["profiles"],
        "sso_sessions": mapped["sso_sessions"],
    }


with tempfile.TemporaryDirectory() as directory:
    texts = json.load(sys.stdin)
    json.dump([read(text, os.path.join(directory, "config")) for text in texts], sys.stdout)
