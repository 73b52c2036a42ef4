"""Addresses that only the demo has."""

from __future__ import annotations

from django.urls import path

from demo.pages import mail, start

urlpatterns = [
    path("", start.start, name="demo"),
    path("sign-in/", start.sign_in, name="demo-sign-in"),
    path("mailbox/", mail.mailbox, name="demo-mailbox"),
    path("mailbox/<int:number>/", mail.mail, name="demo-mail"),
    path("mailbox/<int:number>/html", mail.mail_html, name="demo-mail-html"),
    path("mailbox/<int:number>/bytes", mail.mail_bytes, name="demo-mail-bytes"),
]
