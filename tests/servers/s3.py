"""Does something at a server of S3 with AWS's own library: `set-up` makes buckets and objects, and prints
the versions of one; `get` prints what objects contain."""

import json
import sys

import boto3
from botocore.config import Config

action, endpoint, key, secret = sys.argv[1:]
s3 = boto3.client(
    "s3",
    endpoint_url=endpoint,
    aws_access_key_id=key,
    aws_secret_access_key=secret,
    region_name="us-east-1",
    config=Config(s3={"addressing_style": "path"}, retries={"total_max_attempts": 1}),
)
keys = json.load(sys.stdin)
if action == "set-up":
    for bucket in ["bucket", "public", "old"]:
        s3.create_bucket(Bucket=bucket)
    for key in keys:
        s3.put_object(Bucket="bucket", Key=key, Body=key.encode())
    s3.put_object(Bucket="public", Key="a", Body=b"for everyone")
    s3.put_bucket_versioning(Bucket="old", VersioningConfiguration={"Status": "Enabled"})
    put = [s3.put_object(Bucket="old", Key="v", Body=body) for body in [b"one", b"two"]]
    json.dump([done["VersionId"] for done in put], sys.stdout)
else:
    get = [s3.get_object(Bucket="bucket", Key=key)["Body"].read().decode() for key in keys]
    json.dump(get, sys.stdout)
