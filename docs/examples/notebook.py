#!/usr/bin/python3
"""Backends for Keyward in Python: a storage in an SQLite file, and a key source.

They run as a child process of Keyward, and use only what docs/plugin-protocol.md specifies.
Besides the standard library, they need cbor2 (Debian: python3-cbor2).
"""

import hmac
import inspect
import itertools
import json
import os
import sqlite3
import struct

import cbor2

NOT_FOUND, INVALID, UNSUPPORTED, NO_KEY, UNAVAILABLE, CONFLICT, OTHER = 1, 2, 4, 7, 9, 11, 255


class Failure(Exception):
    """The error that a call returns: the number of its kind, and a message."""

    def __init__(self, kind, message=None):
        super().__init__(message)
        self.kind, self.message = kind, message


class Notebook:
    """Storage `notebook`: a table of entries."""

    ROLE, NAME, HELP = "storage", "notebook", "A file of SQLite's, by way of Python"
    OPTIONS = [{"name": "path", "type": "path", "required": True, "help": "The file"}]
    CALLS = {"get", "get_many", "put", "delete", "list", "bulk", "destroy"}
    ABILITIES = {
        "persistence": "durable",
        "sharing": "machine",
        "lists": True,
        "bulk": True,
        "get_many": True,
    }
    MANY = 1 << 20

    def __init__(self, options, host):
        self.path, self.opened = options["path"], None

    @property
    def db(self):
        """The table, which is made when it is first needed."""
        if self.opened is None:
            os.makedirs(os.path.dirname(self.path), exist_ok=True)
            self.opened = sqlite3.connect(self.path, timeout=20, isolation_level=None)
            self.opened.execute(
                "CREATE TABLE IF NOT EXISTS entry"
                " (user TEXT, name TEXT, blob BLOB, revision BLOB, PRIMARY KEY (user, name))"
            )
        return self.opened

    def get(self, user, name):
        query = "SELECT blob, revision FROM entry WHERE user = ? AND name = ?"
        found = self.db.execute(query, (user, name)).fetchone()
        if found is None:
            raise Failure(NOT_FOUND)
        return {"blob": found[0], "revision": found[1]}

    def get_many(self, entries):
        results, size = [], 0
        for user, name in entries:
            try:
                results.append(self.get(user, name))
                size += len(results[-1]["blob"])
            except Failure as failure:
                results.append({"error": {"kind": failure.kind, "operation": "get"}})
            if size >= self.MANY:  # The host asks for the rest in another call.
                break
        return {"results": results}

    def put(self, user, name, blob, expect, expires=None):
        operation = {"user": user, "name": name, "blob": blob, "expect": expect}
        return {"revision": self.bulk([operation])["revisions"][0]}

    def delete(self, user, name, expect):
        self.bulk([{"user": user, "name": name, "expect": expect}])

    def bulk(self, operations):
        self.db.execute("BEGIN IMMEDIATE")
        with self.db:  # which commits, or rolls back
            return {"revisions": [self.change(**operation) for operation in operations]}

    def change(self, user, name, expect, blob=None, expires=None):
        query = "SELECT revision FROM entry WHERE user = ? AND name = ?"
        found = self.db.execute(query, (user, name)).fetchone()
        expected = {"any": True, "absent": found is None}.get(expect, found == (expect,))
        if not expected:
            raise Failure(CONFLICT)
        if blob is not None:
            revision = os.urandom(16)
            row = (user, name, blob, revision)
            self.db.execute("INSERT OR REPLACE INTO entry VALUES (?, ?, ?, ?)", row)
            return revision
        if found is None:
            raise Failure(NOT_FOUND)
        self.db.execute("DELETE FROM entry WHERE user = ? AND name = ?", (user, name))
        return None

    def list(self, prefix, limit, user=None, cursor=None):
        try:
            after = json.loads(cursor) if cursor is not None else ["", ""]
            after_user, after_name = map(str, after)
        except (ValueError, TypeError):
            raise Failure(INVALID, "the cursor is not one of this storage") from None
        query = (
            "SELECT user, name FROM entry WHERE (user, name) > (?, ?)"
            " AND user = ifnull(?, user) AND substr(name, 1, ?) = ?"
            " ORDER BY user, name LIMIT ?"
        )
        values = (after_user, after_name, user, len(prefix), prefix, limit + 1)
        rows = self.db.execute(query, values).fetchall()
        page = {"entries": rows[:limit]}
        if len(rows) > limit:
            page["next"] = json.dumps(rows[limit - 1]).encode()
        return page

    def destroy(self):
        self.db.execute("DELETE FROM entry")
        self.close()
        for suffix in ("", "-journal"):
            if os.path.exists(self.path + suffix):
                os.remove(self.path + suffix)

    def close(self):
        if self.opened is not None:
            self.opened.close()
        self.opened = None


class Derived:
    """Key source `derived`: keys derived from another secret, which it requests from the host."""

    ROLE, NAME, HELP = "key", "derived", "HMAC-SHA256 of another secret and the id of the key"
    OPTIONS = [{"name": "secret", "type": "secret", "required": True, "help": "The other secret"}]
    CALLS = {"create", "load", "delete"}
    ABILITIES = None
    PARAMETERS = b"HMAC-SHA256"

    def __init__(self, options, host):
        self.reference, self.host = json.dumps(options["secret"]), host

    def create(self, id):
        return {**self.load(id, b""), "parameters": self.PARAMETERS, "ownership": "kept"}

    def load(self, id, parameters):
        if parameters not in (b"", self.PARAMETERS):
            raise Failure(INVALID, "the parameters are not of this source")
        try:
            secret = self.host.ask("secret", reference=self.reference)["secret"]
        except Failure as failure:
            raise Failure(NO_KEY, "the other secret is not available") from failure
        return {"secret": hmac.digest(secret, id, "sha256")}

    def delete(self, id, parameters):
        """Does nothing, because `create` makes nothing."""

    def close(self):
        """Does nothing: nothing is open."""


BACKENDS = {(backend.ROLE, backend.NAME): backend for backend in (Notebook, Derived)}

# The rest of this file is the protocol.

frames_in, frames_out = os.fdopen(os.dup(0), "rb"), os.fdopen(os.dup(1), "wb")
os.dup2(2, 1)  # Output that a library prints goes to the error output.
numbers, answers, opened = itertools.count(1), {}, {}


class Host:
    """The host of an instance: see "Calls to the host"."""

    def __init__(self, instance):
        self.instance = instance

    def ask(self, call, **arguments):
        id = next(numbers)
        send({"id": id, "call": call, "instance": self.instance, "arguments": arguments})
        while id not in answers:  # Other messages that arrive before the answer are processed.
            attend(receive())
        answer = answers.pop(id)
        if "error" in answer:
            raise Failure(answer["error"]["kind"], answer["error"].get("message"))
        return answer["answer"]


def receive():
    head = frames_in.read(4)
    if len(head) < 4:
        raise SystemExit
    return cbor2.loads(frames_in.read(*struct.unpack(">I", head)))


def send(message):
    body = cbor2.dumps(message)
    frames_out.write(struct.pack(">I", len(body)) + body)
    frames_out.flush()


def do(call, arguments, instance=None):
    if call == "hello":
        listed = [
            {"role": each.ROLE, "name": each.NAME, "help": each.HELP, "options": each.OPTIONS}
            for each in BACKENDS.values()
        ]
        spoken = {"protocol": "keyward", "major": 1, "minor": 0, "features": []}
        return {**spoken, "package": "notebook", "version": "1.0", "backends": listed}
    if call == "open":
        backend = BACKENDS[arguments["role"], arguments["name"]]
        opened[instance] = backend(json.loads(arguments["options"]), Host(instance))
        return backend.ABILITIES or {}
    if call == "close":
        return opened.pop(instance).close() or {}
    if instance not in opened or call not in opened[instance].CALLS:
        raise Failure(UNSUPPORTED, "there is no such call")
    method = getattr(opened[instance], call)
    known = inspect.signature(method).parameters  # A later version may say more.
    return method(**{key: arguments[key] for key in known if key in arguments}) or {}


def done(message):
    try:
        answer = do(message["call"], message.get("arguments", {}), message.get("instance"))
        return {"answer": answer}
    except Failure as failure:
        error = {"kind": failure.kind, "message": failure.message}
    except sqlite3.Error as failure:
        error = {"kind": UNAVAILABLE, "message": str(failure)}
    except Exception as failure:  # Its text might hold a secret.
        error = {"kind": OTHER, "message": f"a {type(failure).__name__} in the backend"}
    return {"error": {"operation": message["call"], **error}}


def attend(message):
    if "call" not in message:
        answers[message["id"]] = message
    elif "id" in message:
        send({"id": message["id"], **done(message)})


os.umask(0o077)
while True:
    attend(receive())
