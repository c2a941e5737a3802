"""What botocore makes of an environment and two files: [{env, config, credentials, profile}, …] ->
[{"keys": [id, secret, token], "region": …} or {"error": name}, …]."""
import json
import os
import sys
import tempfile

import botocore.exceptions
import botocore.session


def resolve(case, directory):
    paths = {"AWS_CONFIG_FILE": case.get("config"), "AWS_SHARED_CREDENTIALS_FILE": case.get("credentials")}
    os.environ.clear()
    os.environ.update(case["env"], HOME=directory, AWS_EC2_METADATA_DISABLED="true")
    for variable, text in paths.items():
        os.environ[variable] = os.path.join(directory, variable)
        if text is None:
            if os.path.exists(os.environ[variable]):
                os.remove(os.environ[variable])
        else:
            with open(os.environ[variable], "w") as file:
                file.write(text)
    session = botocore.session.Session(profile=case.get("profile"))
    try:
        region = session.get_config_variable("region")
        found = session.get_credentials()
    except botocore.exceptions.BotoCoreError as error:
        return {"error": type(error).__name__}
    answer = {"keys": [found.access_key, found.secret_key, found.token or ""] if found else []}
    if region:
        answer["region"] = region
    return answer


cases = json.load(sys.stdin)
with tempfile.TemporaryDirectory() as directory:
    print(json.dumps([resolve(case, directory) for case in cases]))
