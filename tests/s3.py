"""An S3 server on this machine, for tests."""

import itertools
import os
from collections.abc import Iterator
from contextlib import contextmanager
from unittest import mock

CREDENTIALS = {
    "AWS_ACCESS_KEY_ID": "test",
    "AWS_SECRET_ACCESS_KEY": "test",
    "AWS_DEFAULT_REGION": "us-east-1",
}


NUMBERS = itertools.count()
"""The servers of a process share their buckets, so each gets a name of its own."""


@contextmanager
def s3_bucket() -> Iterator[str]:
    """Start a server with one empty bucket; give its URL, with the environment set for it."""
    import boto3
    import s3fs
    from moto.server import ThreadedMotoServer

    name = f"bucket{next(NUMBERS)}"
    server = ThreadedMotoServer(port=0, verbose=False)
    server.start()
    try:
        host, port = server.get_host_and_port()
        endpoint = f"http://{host}:{port}"
        with mock.patch.dict(os.environ, {**CREDENTIALS, "AWS_ENDPOINT_URL": endpoint}):
            boto3.client("s3", endpoint_url=endpoint).create_bucket(Bucket=name)
            yield f"s3://{name}"
    finally:
        for fs in s3fs.S3FileSystem._cache.values():
            fs.close_session(fs.loop, fs.s3)
        s3fs.S3FileSystem.clear_instance_cache()
        server.stop()
