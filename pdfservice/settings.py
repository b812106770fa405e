"""Settings, all from the environment: docs/operations.md lists every variable."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any
from urllib.parse import urlencode, urlsplit

import dj_database_url
import django_stubs_ext
from csp.constants import NONE, SELF
from django.core.exceptions import ImproperlyConfigured

from pdfservice.lib.email_url import email_settings
from pdfservice.lib.environment import Environment, secret_key

django_stubs_ext.monkeypatch()  # lets admin classes name their model at run time as they do for mypy

BASE_DIR = Path(__file__).resolve().parent.parent
env = Environment()

DATA_DIR = Path(env.text("DATA_DIR", str(BASE_DIR / "var"))).absolute()
DATABASE_URL = env.text("DATABASE_URL", "")
REDIS_URL = env.text("REDIS_URL", "")
EMBEDDED = not DATABASE_URL and not REDIS_URL

DEBUG = env.flag("DEBUG", False)
SECRET_KEY = secret_key(env, DATA_DIR, embedded=EMBEDDED)
SECRET_KEY_FALLBACKS = env.items("SECRET_KEY_FALLBACKS", [])
PORT = env.int_between("PORT", 8000, 1, 65535)
PUBLIC_URL = env.text("PUBLIC_URL", f"http://localhost:{PORT}").rstrip("/")
ALLOWED_HOSTS = env.items("ALLOWED_HOSTS", ["localhost", "127.0.0.1", "[::1]"])
if (public_host := urlsplit(PUBLIC_URL).hostname) and public_host not in ALLOWED_HOSTS:
    ALLOWED_HOSTS.append(public_host)
TRUSTED_PROXIES = env.int_between("TRUSTED_PROXIES", 0, 0, 16)

# --- Applications -----------------------------------------------------------------------------------------------------
INSTALLED_APPS = [
    "django.contrib.admin",
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.sessions",
    "django.contrib.messages",
    "whitenoise.runserver_nostatic",
    "django.contrib.staticfiles",
    "rest_framework",
    "drf_spectacular",
    "drf_spectacular_sidecar",
    "axes",
    "csp",
    "django_guid",
    "django_q",
    "pdfservice.teams",
    "templates_app",
    "downloads_app",
    "jobs_app",
]
MIDDLEWARE = [
    "django_guid.middleware.guid_middleware",
    "pdfservice.lib.request_log.RequestLogMiddleware",
    "pdfservice.lib.rate_limits.RateLimitHeaders",
    "django.middleware.security.SecurityMiddleware",
    "csp.middleware.CSPMiddleware",
    "whitenoise.middleware.WhiteNoiseMiddleware",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
    "axes.middleware.AxesMiddleware",
]
ROOT_URLCONF = "pdfservice.urls"
WSGI_APPLICATION = "pdfservice.wsgi.application"
ASGI_APPLICATION = "pdfservice.asgi.application"
TEMPLATES = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "APP_DIRS": True,
        "DIRS": [BASE_DIR / "pdfservice" / "pages"],
        "OPTIONS": {
            "context_processors": [
                "django.template.context_processors.request",
                "django.contrib.auth.context_processors.auth",
                "django.contrib.messages.context_processors.messages",
            ],
        },
    },
]

# --- Database ---------------------------------------------------------------------------------------------------------
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"
_database: dict[str, Any] = {**dj_database_url.parse(DATABASE_URL or f"sqlite:///{DATA_DIR / 'pdfservice.sqlite3'}")}
if _database["ENGINE"] == "django.db.backends.sqlite3":
    DATA_DIR.mkdir(parents=True, exist_ok=True)
    _database["OPTIONS"] = {
        # A transaction takes the write lock when it begins, so none fails halfway for having read first.
        "transaction_mode": "IMMEDIATE",
        "timeout": 30,
        # FULL: what was answered with 202 survives a power cut.
        "init_command": "PRAGMA journal_mode=WAL; PRAGMA synchronous=FULL; PRAGMA cache_size=-16000;",
    }
    _database["TEST"] = {"NAME": str(DATA_DIR / "test.sqlite3")}
elif _database["ENGINE"] == "django.db.backends.postgresql":
    _database["CONN_HEALTH_CHECKS"] = True
    _database.setdefault("OPTIONS", {}).setdefault("connect_timeout", 5)
else:
    raise ImproperlyConfigured("DATABASE_URL must begin with sqlite:/// or postgres://.")
_database["CONN_MAX_AGE"] = 600
DATABASES = {"default": _database}

# --- Accounts ---------------------------------------------------------------------------------------------------------
AUTH_USER_MODEL = "teams.User"
AUTHENTICATION_BACKENDS = [
    "axes.backends.AxesStandaloneBackend",
    "django.contrib.auth.backends.ModelBackend",
]
AUTH_PASSWORD_VALIDATORS = [
    {"NAME": f"django.contrib.auth.password_validation.{name}"}
    for name in ("UserAttributeSimilarityValidator", "MinimumLengthValidator", "CommonPasswordValidator")
]
LOGIN_URL = "admin:login"
AXES_FAILURE_LIMIT = 10
AXES_COOLOFF_TIME = 0.25  # hours
AXES_LOCKOUT_PARAMETERS = [["username", "ip_address"]]
AXES_CLIENT_IP_CALLABLE = "pdfservice.lib.addresses.client_address_text"
AXES_ENABLE_ADMIN = False
AXES_VERBOSE = False

# --- Queue ------------------------------------------------------------------------------------------------------------
WORKERS = env.int_between("WORKERS", min(os.cpu_count() or 1, 64), 1, 256)
MAX_QUEUED = env.int_between("MAX_QUEUED", 20_000, 1, 100_000_000)
MAX_QUEUED_TOTAL = env.int_between("MAX_QUEUED_TOTAL", 100_000, 1, 100_000_000)
LEASE_SECONDS = env.int_between("LEASE_SECONDS", 30, 6, 3600)
RENDER_TIMEOUT = env.int_between("RENDER_TIMEOUT", 30, 1, 3600)
RENDER_MEMORY_MB = env.int_between("RENDER_MEMORY_MB", 1024, 128, 65536)
MERGE_MEMORY_MB = env.int_between("MERGE_MEMORY_MB", 3072, 128, 65536)
RENDER_CHILD_MAX_DOCUMENTS = env.int_between("RENDER_CHILD_MAX_DOCUMENTS", 200, 1, 100_000)
RENDER_CHILD_MAX_GROWTH_MB = env.int_between("RENDER_CHILD_MAX_GROWTH_MB", 128, 1, 65536)
AUTHORING_PROCESSES = env.int_between("AUTHORING_PROCESSES", 2, 1, 64)
RENDER_ALLOW_UNCONFINED = env.flag("RENDER_ALLOW_UNCONFINED", False)
ARCHIVE_AFTER_DAYS = env.int_between("ARCHIVE_AFTER_DAYS", 30, 1, 36_500)
AUDIT_KEEP_DAYS = env.int_between("AUDIT_KEEP_DAYS", 365, 1, 36_500)
# A broker that is away must not hold up a caller: connecting gives up after a second. The read limit has to
# outlast the one second for which django-q blocks on an empty list.
_REDIS_LIMITS = {"socket_connect_timeout": 1, "socket_timeout": 5}
Q_CLUSTER: dict[str, Any] = {
    "name": "pdfservice",
    "workers": 1,  # why: docs/decisions/0005-one-worker-per-cluster.md
    "queue_limit": 1,
    "recycle": 1_000_000_000,
    "timeout": RENDER_TIMEOUT + 1200,  # longer than any job: jobs_app/handlers know how long each kind may take
    "retry": RENDER_TIMEOUT + 1800,
    "max_attempts": 1,
    "ack_failures": True,
    "save_limit": -1,
    "scheduler": False,
    "poll": 0.05,
    "log_level": "WARNING",
}
if REDIS_URL:
    Q_CLUSTER["redis"] = f"{REDIS_URL}{'&' if '?' in REDIS_URL else '?'}{urlencode(_REDIS_LIMITS)}"
else:
    Q_CLUSTER["orm"] = "default"

# --- Files ------------------------------------------------------------------------------------------------------------
S3_BUCKET = env.text("S3_BUCKET", "")
_static_backend = "django.contrib.staticfiles.storage.StaticFilesStorage"
STORAGES: dict[str, dict[str, Any]] = {
    "default": {
        "BACKEND": "pdfservice.lib.storage_local.DurableFileSystemStorage",
        "OPTIONS": {"location": str(DATA_DIR / "files")},
    },
    "staticfiles": {"BACKEND": _static_backend},
}
if S3_BUCKET:
    from botocore.config import Config as S3Config  # a service without a bucket need not load boto

    STORAGES["default"] = {
        "BACKEND": "storages.backends.s3.S3Storage",
        "OPTIONS": {
            "bucket_name": S3_BUCKET,
            "endpoint_url": env.text("S3_ENDPOINT_URL", "") or None,
            "region_name": env.text("S3_REGION", "") or None,
            "access_key": env.text("AWS_ACCESS_KEY_ID", "") or None,
            "secret_key": env.text("AWS_SECRET_ACCESS_KEY", "") or None,
            "file_overwrite": True,
            "default_acl": None,
            # A bucket that does not answer must not hold up a caller or a worker for the minutes that boto would wait.
            "client_config": S3Config(
                signature_version="s3v4",
                s3={"addressing_style": "path" if env.text("S3_ENDPOINT_URL", "") else "auto"},
                connect_timeout=5,
                read_timeout=30,
                retries={"max_attempts": 2},
            ),
            "object_parameters": (
                {"ServerSideEncryption": "aws:kms", "SSEKMSKeyId": env.text("S3_KMS_KEY_ID")}
                if env.text("S3_KMS_KEY_ID", "")
                else {}
            ),
        },
    }
    # Addresses that are handed out name the server as those outside know it.
    _public_endpoint = env.text("S3_PUBLIC_ENDPOINT_URL", "")
    STORAGES["public"] = {
        **STORAGES["default"],
        "OPTIONS": {
            **STORAGES["default"]["OPTIONS"],
            **({"endpoint_url": _public_endpoint} if _public_endpoint else {}),
        },
    }
SENDFILE = env.choice("SENDFILE", "no", ("no", "x-accel-redirect", "x-sendfile"))
SENDFILE = "" if SENDFILE == "no" else SENDFILE
SENDFILE_LOCATION = env.text("SENDFILE_LOCATION", "/protected-files/")
STATIC_URL = "/static/"
STATIC_ROOT = DATA_DIR / "static"
STATIC_ROOT.mkdir(parents=True, exist_ok=True)  # WhiteNoise complains about one that is not there
STATICFILES_DIRS = [BASE_DIR / "static"]
WHITENOISE_USE_FINDERS = True  # a checkout that never ran collectstatic still has its pages styled

# --- HTTP -------------------------------------------------------------------------------------------------------------
MAX_PAYLOAD_BYTES = env.int_between("MAX_PAYLOAD_BYTES", 1 << 20, 1024, 1 << 30)
MAX_BATCH_BYTES = env.int_between("MAX_BATCH_BYTES", 32 << 20, 1024, 1 << 30)
DATA_UPLOAD_MAX_MEMORY_SIZE = max(2 * MAX_PAYLOAD_BYTES, 4 << 20)
HOST = env.text("HOST", "127.0.0.1")
WEB_THREADS = env.int_between("WEB_THREADS", 8, 1, 256)
MAX_WAITERS = env.int_between("MAX_WAITERS", 512, 0, 100_000)
MAX_DASHBOARDS = env.int_between("MAX_DASHBOARDS", 512, 0, 100_000)
CHANNEL_LAYERS = {
    "default": {
        "BACKEND": "channels.layers.InMemoryChannelLayer",
        # A socket that is so many messages (half a second each) behind gets no more until it has read them. The layer
        # itself must end no membership: a screen on a wall stays for weeks.
        "CONFIG": {"capacity": 40, "expiry": 86_400, "group_expiry": 10 * 366 * 86_400},
    },
}
REQUESTS_PER_MINUTE = env.int_between("REQUESTS_PER_MINUTE", 6_000, 1, 100_000_000)
UNAUTHENTICATED_PER_MINUTE = env.int_between("UNAUTHENTICATED_PER_MINUTE", 60, 1, 100_000_000)
HTTPS = PUBLIC_URL.startswith("https://")
SESSION_COOKIE_SECURE = CSRF_COOKIE_SECURE = HTTPS
SESSION_COOKIE_SAMESITE = CSRF_COOKIE_SAMESITE = "Lax"
CSRF_TRUSTED_ORIGINS = [PUBLIC_URL]
SECURE_HSTS_SECONDS = 31_536_000 if HTTPS else 0
SECURE_REFERRER_POLICY = "same-origin"
SECURE_PROXY_SSL_HEADER = ("HTTP_X_FORWARDED_PROTO", "https") if TRUSTED_PROXIES else None
X_FRAME_OPTIONS = "DENY"
CSRF_FAILURE_VIEW = "pdfservice.error_pages.csrf_failure"
CONTENT_SECURITY_POLICY = {
    "DIRECTIVES": {
        "default-src": [SELF],
        # For browsers to which 'self' does not mean the same host's WebSocket.
        "connect-src": [SELF, "ws" + PUBLIC_URL.removeprefix("http")],
        "img-src": [SELF, "data:"],
        "object-src": [NONE],
        "base-uri": [NONE],
        "form-action": [SELF],
        "frame-ancestors": [NONE],
    },
}
REST_FRAMEWORK = {
    "DEFAULT_AUTHENTICATION_CLASSES": [
        "pdfservice.teams.authentication.ApiKeyAuthentication",
        "pdfservice.teams.authentication.MemberSessionAuthentication",
    ],
    "DEFAULT_PERMISSION_CLASSES": ["pdfservice.teams.permissions.HasScope"],
    "DEFAULT_RENDERER_CLASSES": ["rest_framework.renderers.JSONRenderer"],
    "DEFAULT_PARSER_CLASSES": ["pdfservice.lib.json_parser.StrictJSONParser"],
    "DEFAULT_CONTENT_NEGOTIATION_CLASS": "pdfservice.lib.negotiation.JsonAlways",
    "DEFAULT_SCHEMA_CLASS": "drf_spectacular.openapi.AutoSchema",
    "EXCEPTION_HANDLER": "pdfservice.lib.problems.exception_handler",
    "UNAUTHENTICATED_USER": None,
}
SPECTACULAR_SETTINGS = {
    "TITLE": "PDF service",
    "DESCRIPTION": "Send a template name and a JSON payload; get a PDF, made in the background.",
    "VERSION": "1",
    "SERVE_INCLUDE_SCHEMA": False,
    "SERVE_PERMISSIONS": ["rest_framework.permissions.AllowAny"],
    "SERVE_AUTHENTICATION": [],
    "SWAGGER_UI_DIST": "SIDECAR",
    "SWAGGER_UI_FAVICON_HREF": "SIDECAR",
    "COMPONENT_SPLIT_REQUEST": True,
    "POSTPROCESSING_HOOKS": [
        "drf_spectacular.hooks.postprocess_schema_enums",
        "pdfservice.lib.openapi.add_problems",
    ],
    "ENUM_NAME_OVERRIDES": {
        "JobStatus": "jobs_app.states.Status",
        "BatchStatus": "jobs_app.states.BatchStatus",
        "VersionStatus": "templates_app.models.VersionStatus",
        "WatermarkType": "templates_app.watermark_models.WatermarkType",
        "AssetType": "templates_app.models.AssetType",
    },
}

# --- Alerts -----------------------------------------------------------------------------------------------------------
ALERT_DEAD_LETTERS_PER_HOUR = env.int_between("ALERT_DEAD_LETTERS_PER_HOUR", 20, 1, 1_000_000)
ALERT_EMAILS = env.items("ALERT_EMAILS", [])
ALERT_WEBHOOK_URL = env.text("ALERT_WEBHOOK_URL", "")
EMAIL_URL = env.text("EMAIL_URL", "")
globals().update(email_settings(EMAIL_URL))  # Django's EMAIL_HOST and its kin
DEFAULT_FROM_EMAIL = SERVER_EMAIL = env.text("EMAIL_FROM", f"pdfservice@{public_host or 'localhost'}")

# --- Webhooks ---------------------------------------------------------------------------------------------------------
WEBHOOK_ALLOWED_NETWORKS = env.networks("WEBHOOK_ALLOWED_NETWORKS")
WEBHOOK_KEEP_DAYS = env.int_between("WEBHOOK_KEEP_DAYS", 30, 1, 3650)

# --- Language, time, logs ---------------------------------------------------------------------------------------------
LANGUAGE_CODE = "en"
# What the pages of links speak (downloads_app/locale); everything else is English.
LANGUAGES = [("en", "English"), ("de", "Deutsch"), ("fr", "Français"), ("es", "Español")]
USE_TZ = True
TIME_ZONE = "UTC"
DJANGO_GUID = {
    "GUID_HEADER_NAME": "X-Request-ID",
    "VALIDATE_GUID": True,
    "RETURN_HEADER": True,
    "EXPOSE_HEADER": False,
    "INTEGRATIONS": [],
}
LOG_FORMAT = env.choice("LOG_FORMAT", "text", ("text", "json"))
LOGGING: dict[str, Any] = {
    "version": 1,
    "disable_existing_loggers": False,
    "filters": {
        "request_id": {"()": "django_guid.log_filters.CorrelationId", "correlation_id_field": "request_id"},
    },
    "formatters": {
        "text": {
            "()": "pdfservice.lib.request_log.MaskedText",
            "format": "{asctime} {levelname:7} {name} [{request_id}] {message}",
            "style": "{",
        },
        "json": {
            "()": "pdfservice.lib.request_log.MaskedJson",
            "format": "{asctime}{levelname}{name}{request_id}{message}",
            "style": "{",
        },
    },
    "handlers": {
        "stderr": {
            "class": "logging.StreamHandler",
            "formatter": LOG_FORMAT,
            "filters": ["request_id"],
        },
    },
    "root": {"handlers": ["stderr"], "level": "INFO"},
    "loggers": {
        "django.server": {"level": "WARNING", "handlers": ["stderr"], "propagate": False},
        "django.request": {"level": "ERROR"},  # 4xx are in the request log
        "django-q": {"level": "WARNING"},
        "django_guid": {"level": "WARNING"},
        "axes": {"level": "WARNING"},
        "botocore": {"level": "WARNING"},
    },
}
