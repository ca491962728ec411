"""Checks passwords with Keyward, for servers on Twisted cred.

``keyward auth check`` decides, in a separate process. The password goes to its standard input, and
no shell is involved. A user who is refused is ``UnauthorizedLogin``; a checker that is unavailable is
an error of the server, as in Twisted's own checkers.
"""

import subprocess

from twisted.cred import credentials, error
from twisted.cred.checkers import ICredentialsChecker
from twisted.internet import threads
from zope.interface import implementer

# What `keyward auth check` says with its exit code.
ACCEPTED = 0
REFUSED = 9

# The longest time that a check may take, in seconds.
TIMEOUT = 60


class KeywardUnavailable(Exception):
    """Keyward cannot tell whether the user is who they say they are."""


@implementer(ICredentialsChecker)
class KeywardChecker:
    """Asks one of Keyward's checkers, such as ``htpasswd:/etc/users``."""

    credentialInterfaces = (credentials.IUsernamePassword,)

    def __init__(self, auth, program="keyward"):
        self._command = [program, "auth", "check", "--no-input", "--auth", auth]

    def requestAvatarId(self, presented):
        """Return a Deferred with the user's name, as text or bytes like the name that was presented."""
        username, password = presented.username, presented.password
        return threads.deferToThread(self._check, username, password)

    def _check(self, username, password):
        name = username.encode() if isinstance(username, str) else username
        secret = password.encode() if isinstance(password, str) else password
        if b"\0" in name or not name:
            raise error.UnauthorizedLogin()
        command = self._command + ["--stdin", "--raw", "--allow-empty", "--", name]
        try:
            done = subprocess.run(command, input=secret, capture_output=True, timeout=TIMEOUT)
        except (OSError, subprocess.TimeoutExpired) as fault:
            raise KeywardUnavailable(str(fault)) from None
        if done.returncode == REFUSED:
            raise error.UnauthorizedLogin()
        if done.returncode != ACCEPTED:
            raise KeywardUnavailable(done.stderr.decode(errors="replace").strip())
        identity = done.stdout.rstrip(b"\n")
        return identity.decode() if isinstance(username, str) else identity
