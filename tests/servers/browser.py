#!/usr/bin/env python3
"""A browser whose user logs in as alice and agrees to everything. Its argument is the first page.

With BROWSER_STOPS_AT set to the start of a URL, it does not open that page but prints its URL.
"""

import html.parser
import http.cookiejar
import os
import sys
import urllib.error
import urllib.parse
import urllib.request

END = os.environ.get("BROWSER_STOPS_AT")


class Stop(Exception):
    pass


class Redirects(urllib.request.HTTPRedirectHandler):
    def redirect_request(self, request, file, code, message, headers, url):
        if END and url.startswith(END):
            raise Stop(url)
        return super().redirect_request(request, file, code, message, headers, url)


class Form(html.parser.HTMLParser):
    """The first form of a page: its target, and the values of its fields."""

    def __init__(self, page):
        super().__init__()
        self.action, self.values, self.ended = None, {}, False
        self.feed(page)

    def handle_starttag(self, tag, attributes):
        attributes = dict(attributes)
        if tag == "form" and self.action is None:
            self.action = attributes.get("action") or ""
        elif tag in ("input", "button") and self.action is not None and not self.ended:
            name = attributes.get("name")
            if name in ("login", "username"):
                self.values[name] = "alice"
            elif name == "password":
                self.values[name] = "alice-pw"
            elif name:
                self.values[name] = attributes.get("value") or ""

    def handle_endtag(self, tag):
        self.ended |= tag == "form"


cookies = urllib.request.HTTPCookieProcessor(http.cookiejar.CookieJar())
opener = urllib.request.build_opener(cookies, Redirects)
try:
    response = opener.open(sys.argv[1])
    for _ in range(10):
        form = Form(response.read().decode())
        if form.action is None:
            break
        target = urllib.parse.urljoin(response.geturl(), form.action)
        body = urllib.parse.urlencode({k: v for k, v in form.values.items() if k != "abort"})
        response = opener.open(target, data=body.encode())
except Stop as stop:
    print(stop)
