#!/usr/bin/env python3
"""Makes the user alice and a public client in the OpenBao at the URL in the first argument, which may
still be starting. Prints the client's name."""

import json
import sys
import time
import urllib.error
import urllib.request

URL = sys.argv[1]


def call(method, path, **values):
    request = urllib.request.Request(
        f"{URL}/v1/{path}",
        json.dumps(values).encode() if values else None,
        {"X-Vault-Token": "root"},
        method=method,
    )
    answer = urllib.request.urlopen(request).read()
    return json.loads(answer) if answer else {}


for _ in range(300):
    try:
        call("GET", "sys/health")
        break
    except (urllib.error.URLError, ConnectionError):
        time.sleep(0.1)
call("POST", "sys/auth/userpass", type="userpass")
call("POST", "auth/userpass/users/alice", password="alice-pw", token_policies="default")
client = {"redirect_uris": "http://127.0.0.1/callback", "assignments": "allow_all", "client_type": "public"}
call("POST", "identity/oidc/client/cli", **client)
print(call("GET", "identity/oidc/client/cli")["data"]["client_id"])
