"""Asks a bouncer of `keyward serve` for keycards, over its Unix socket."""

import http.client
import json
import socket


class Connection(http.client.HTTPConnection):
    def __init__(self, path):
        super().__init__("keyward", timeout=60)
        self.path = path

    def connect(self):
        self.sock = socket.socket(socket.AF_UNIX)
        self.sock.settimeout(self.timeout)
        self.sock.connect(self.path)


class Bouncer:
    def __init__(self, path, name):
        self.path, self.name = path, name

    def call(self, call, **body):
        connection = Connection(self.path)
        connection.request("POST", f"/v1/bouncers/{self.name}/{call}", json.dumps(body))
        response = connection.getresponse()
        answer = json.load(response)
        if response.status != 200:
            raise RuntimeError(answer["error"])
        return answer

    def log_in(self, user, password, address):
        presented = {"kind": "password", "user": user, "fields": {"password": password}}
        attempt = {"address": address, "private": True}
        request = {"attempt": attempt, "issuer": "example", "notices": True}
        return self.call("authenticate", presented=presented, request=request)

    def is_in(self, id, address):
        answer = self.call("check", id=id, attempt={"address": address, "private": True})
        return answer["state"] == "authenticated"

    def ended(self):
        """Yields each keycard that has ended, as soon as it has, and confirms it afterwards."""
        connection = Connection(self.path)
        connection.request("GET", f"/v1/bouncers/{self.name}/events")
        for line in connection.getresponse():
            if line.startswith(b"data: "):
                ended = json.loads(line[6:])
                yield ended
                self.call("confirm", ids=[ended["id"]])
