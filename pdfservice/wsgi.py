"""The HTTP side."""

import os

from django.core.wsgi import get_wsgi_application

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "pdfservice.settings")
application = get_wsgi_application()
