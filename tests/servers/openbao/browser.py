#!/usr/bin/env python3
"""A browser whose user logs in to OpenBao as alice. It sends the requests that the page at the URL in
the first argument would send."""

import json
import sys
import urllib.parse
import urllib.request

page = urllib.parse.urlsplit(sys.argv[1])
server = f"{page.scheme}://{page.netloc}"
login = urllib.request.Request(f"{server}/v1/auth/userpass/login/alice", b'{"password":"alice-pw"}')
token = json.load(urllib.request.urlopen(login))["auth"]["client_token"]
path = page.path.replace("/ui/vault/", "/v1/")
ask = urllib.request.Request(f"{server}{path}?{page.query}", headers={"X-Vault-Token": token})
answer = json.load(urllib.request.urlopen(ask))
query = urllib.parse.urlencode({"code": answer["code"], "state": answer["state"]})
redirect_uri = urllib.parse.parse_qs(page.query)["redirect_uri"][0]
urllib.request.urlopen(f"{redirect_uri}?{query}")
