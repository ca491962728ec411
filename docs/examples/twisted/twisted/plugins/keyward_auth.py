"""Lets every server on Twisted take ``--auth keyward:TYPE[:ARGS]``."""

from keyward_cred import KeywardChecker
from twisted import plugin
from twisted.cred.credentials import IUsernamePassword
from twisted.cred.strcred import ICheckerFactory, InvalidAuthArgumentString
from zope.interface import implementer


@implementer(ICheckerFactory, plugin.IPlugin)
class KeywardCheckerFactory:
    authType = "keyward"
    authHelp = """
    Checks passwords with one of Keyward's checkers, such as
    keyward:htpasswd:/etc/users or keyward:pam:sshd.
    `keyward auth check --help-auth` lists them.
    """
    argStringFormat = "TYPE[:ARGS]"
    credentialInterfaces = (IUsernamePassword,)

    def generateChecker(self, argstring):
        if not argstring:
            raise InvalidAuthArgumentString("the type of a checker is missing")
        return KeywardChecker(argstring)


theKeywardCheckerFactory = KeywardCheckerFactory()
