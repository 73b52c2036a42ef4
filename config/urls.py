"""The root of all addresses."""

from django.conf import settings
from django.urls import include, path

urlpatterns = [path("", include("web.urls"))]
if settings.DEMO:
    urlpatterns.append(path("demo/", include("demo.urls")))

handler400 = "web.pages.errors.bad_request"
handler403 = "web.pages.errors.forbidden"
handler404 = "web.pages.errors.not_found"
handler500 = "web.pages.errors.broken"
