#!/usr/bin/python3
"""An OAuth server on loopback, with Django OAuth Toolkit. It prints its URL when it listens.

Its user is alice with the password `alice-pw`. Refresh tokens rotate; an old one is refused. What it
stores is in memory.
"""

from wsgiref.simple_server import WSGIRequestHandler, make_server

import django
from django.conf import settings

LOGIN = "<form method=post>{% csrf_token %}{{ form }}</form>"
APPS = ["contrib.auth", "contrib.contenttypes", "contrib.sessions", "contrib.messages"]
settings.configure(
    ALLOWED_HOSTS=["127.0.0.1"],
    SECRET_KEY="a key of this test only",
    ROOT_URLCONF="__main__",
    USE_TZ=True,
    INSTALLED_APPS=[*(f"django.{app}" for app in APPS), "oauth2_provider"],
    MIDDLEWARE=[
        "django.contrib.sessions.middleware.SessionMiddleware",
        "django.middleware.csrf.CsrfViewMiddleware",
        "django.contrib.auth.middleware.AuthenticationMiddleware",
    ],
    TEMPLATES=[
        {
            "BACKEND": "django.template.backends.django.DjangoTemplates",
            "OPTIONS": {
                "context_processors": ["django.template.context_processors.request"],
                "loaders": [
                    ("django.template.loaders.locmem.Loader", {"registration/login.html": LOGIN}),
                    "django.template.loaders.app_directories.Loader",
                ],
            },
        }
    ],
    DATABASES={"default": {"ENGINE": "django.db.backends.sqlite3", "NAME": ":memory:"}},
    DEFAULT_AUTO_FIELD="django.db.models.BigAutoField",
    LOGIN_URL="/login",
    OAUTH2_PROVIDER={
        "PKCE_REQUIRED": True,
        "ROTATE_REFRESH_TOKEN": True,
        "SCOPES": {"read": "Read", "write": "Write"},
    },
)
django.setup()

from django.contrib.auth.models import User
from django.contrib.auth.views import LoginView
from django.core.management import call_command
from django.core.wsgi import get_wsgi_application
from django.urls import include, path
from oauth2_provider.models import Application

urlpatterns = [
    path("login", LoginView.as_view()),
    path("o/", include("oauth2_provider.urls", namespace="oauth2_provider")),
]


class Quiet(WSGIRequestHandler):
    def log_message(self, *_):
        pass


call_command("migrate", verbosity=0)
alice = User.objects.create_user("alice", password="alice-pw")
for client, grant in [("web", "authorization-code"), ("job", "client-credentials"), ("old", "password")]:
    Application.objects.create(
        name=client,
        user=alice,
        client_id=client,
        client_secret=f"{client}:s3cret/+%&",
        client_type="confidential",
        authorization_grant_type=grant,
        redirect_uris="http://127.0.0.1/callback http://[::1]/callback",
    )
server = make_server("127.0.0.1", 0, get_wsgi_application(), handler_class=Quiet)
print(f"http://127.0.0.1:{server.server_port}", flush=True)
server.serve_forever()
