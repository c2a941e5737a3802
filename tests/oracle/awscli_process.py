"""The AWS CLI for many commands in one process: a clean environment, and models that are read once."""

import functools
import gc
import os
import warnings

warnings.simplefilter("ignore")
path = os.environ.get("PATH", "")
os.environ.clear()
os.environ.update(
    PATH=path, HOME="/nonexistent", LANG="C.UTF-8",
    AWS_CONFIG_FILE="/dev/null", AWS_SHARED_CREDENTIALS_FILE="/dev/null", AWS_ACCESS_KEY_ID="AKIAEXAMPLE",
    AWS_SECRET_ACCESS_KEY="secret", AWS_REGION="us-east-1", AWS_EC2_METADATA_DISABLED="true", AWS_PAGER="",
)

import awscli.clidriver  # noqa: E402
import awscli.utils  # noqa: E402
import botocore.loaders  # noqa: E402

# The models are read and looked for once, not for each command.
Loader = botocore.loaders.Loader
read = functools.lru_cache(None)(botocore.loaders.JSONFileLoader().load_file)
botocore.loaders.JSONFileLoader.load_file = lambda _self, path: read(path)
list_services = Loader().list_available_services
services = functools.lru_cache(None)(lambda type_name: list_services(type_name))
Loader.list_available_services = lambda _self, type_name: services(type_name)
awscli.clidriver.OutputStreamFactory = functools.partial(awscli.utils.OutputStreamFactory, environ={})
gc.set_threshold(200000)
