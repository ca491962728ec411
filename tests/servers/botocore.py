"""Signs requests with botocore, the reference: reads a list of requests in JSON, and prints the value of
the header Authorization of each."""

import datetime
import json
import sys
from unittest import mock
from urllib.parse import parse_qsl, urlsplit

from botocore import auth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials


def sign(wanted):
    parts = urlsplit(wanted["url"])
    request = AWSRequest(
        wanted["method"],
        parts._replace(query="").geturl(),
        headers=wanted["headers"],
        data=wanted["body"].encode(),
        params=parse_qsl(parts.query, keep_blank_values=True),
    )
    credentials = Credentials(wanted["id"], wanted["secret"], wanted["session"])
    signer = auth.S3SigV4Auth if wanted["service"] == "s3" else auth.SigV4Auth
    time = datetime.datetime.strptime(wanted["time"], "%Y%m%dT%H%M%SZ")
    with mock.patch.object(auth.datetime, "datetime") as clock:
        clock.utcnow.return_value = time
        clock.strptime = datetime.datetime.strptime
        signer(credentials, wanted["service"], wanted["region"]).add_auth(request)
    return request.headers["Authorization"]


json.dump([sign(wanted) for wanted in json.load(sys.stdin)], sys.stdout)
