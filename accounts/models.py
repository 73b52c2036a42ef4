"""Who may enter: people known by their e-mail, access tokens, and the audit log."""

from __future__ import annotations

from typing import Any

from django.contrib.auth.models import AbstractBaseUser, BaseUserManager, PermissionsMixin
from django.db import models
from django.db.models.functions import Lower
from django.utils.crypto import salted_hmac


class UserQuerySet(models.QuerySet["User"]):
    """People by who may see them."""

    def visible_to(self, user: User) -> UserQuerySet:
        """Whoever may enter sees whoever else may; administrators see those who may not any more as well."""
        if not user.is_active:
            return self.none()
        return self if user.is_superuser else self.filter(is_active=True)


class UserManager(BaseUserManager["User"].from_queryset(UserQuerySet)):  # type: ignore[misc]
    """Creates people; an e-mail is compared without regard to case and kept in lower case."""

    def create_user(self, email: str, password: str | None = None, **extra: Any) -> User:
        """Create a person; without a password they are known but cannot sign in. Raises ValueError on no e-mail."""
        if not email or "@" not in email:
            raise ValueError(f"a person is known by an e-mail address, not {email!r}")
        user = self.model(email=email.strip().lower(), **extra)
        user.set_password(password)
        user.save(using=self._db)
        return user

    def create_superuser(self, email: str, password: str | None = None, **extra: Any) -> User:
        """Create an administrator."""
        return self.create_user(email, password, is_staff=True, is_superuser=True, **extra)

    def named(self, email: str) -> User:
        """The person with this e-mail, created without a sign-in when not known yet."""
        known = self.filter(email=email.strip().lower()).first()
        return known or self.create_user(email)


class User(AbstractBaseUser, PermissionsMixin):
    """A person: the e-mail address is the identity."""

    email = models.EmailField(unique=True)
    name = models.CharField(max_length=200, blank=True)
    time_zone = models.CharField(max_length=64, blank=True, help_text="IANA name; empty: their team's")
    country = models.CharField(max_length=2, blank=True, help_text="ISO 3166-1 alpha-2, for public holidays")
    absent_from = models.DateField(null=True, blank=True)
    absent_until = models.DateField(null=True, blank=True, help_text="inclusive")
    deputy = models.ForeignKey(
        "self",
        null=True,
        blank=True,
        on_delete=models.SET_NULL,
        related_name="stands_in_for",
        help_text="who is told instead while they are away",
    )
    is_active = models.BooleanField(default=True)
    is_staff = models.BooleanField(default=False)
    reads_only = models.BooleanField(default=False, help_text="a viewer: sees what others see and changes nothing")
    address_suspended_reason = models.CharField(
        max_length=300, blank=True, help_text="set when the mail server refused the address for good"
    )
    session_round = models.PositiveIntegerField(
        default=0, help_text="sessions of an earlier round are no sessions any more: signed out everywhere"
    )
    created_at = models.DateTimeField(auto_now_add=True)

    objects = UserManager()

    USERNAME_FIELD = "email"
    EMAIL_FIELD = "email"
    REQUIRED_FIELDS = []

    class Meta:
        ordering = ["email"]
        constraints = [models.UniqueConstraint(Lower("email"), name="user_email_any_case")]

    def __str__(self) -> str:
        return self.name or self.email

    def get_full_name(self) -> str:
        """What to call this person on a page or in a mail."""
        return str(self)

    def _get_session_auth_hash(self, secret: str | None = None) -> str:
        """What a session was opened with; another password, or another round, and it is no session any more."""
        opened_with = f"{self.password}{self.session_round or ''}"
        return salted_hmac("accounts.User.session", opened_with, secret=secret, algorithm="sha256").hexdigest()

    def is_away(self, day: Any) -> bool:
        """Whether the person said to be absent on this day (inclusive)."""
        if self.absent_from is None and self.absent_until is None:
            return False
        return (self.absent_from is None or self.absent_from <= day) and (
            self.absent_until is None or day <= self.absent_until
        )


class Place(models.Model):
    """A group or team whose affairs a person shares, by its key; kept by the room that knows the org tree."""

    user = models.ForeignKey(User, on_delete=models.CASCADE, related_name="places")
    key = models.CharField(max_length=100)

    class Meta:
        ordering = ["user", "key"]
        constraints = [models.UniqueConstraint(fields=["user", "key"], name="one_place")]

    def __str__(self) -> str:
        return f"{self.user} at {self.key}"


class AccessToken(models.Model):
    """A bearer token: 32 random bytes of which only the SHA-256 is kept, with what it may do."""

    label = models.CharField(max_length=200)
    digest = models.CharField(max_length=64, unique=True, editable=False)
    prefix = models.CharField(max_length=12, editable=False, help_text="its first characters, to tell tokens apart")
    scopes = models.JSONField(
        default=list,
        help_text='e.g. "observations:program:typing", "observations:feed:ci", "scorecards:read"',
    )
    created_by = models.ForeignKey(User, null=True, blank=True, on_delete=models.SET_NULL, related_name="tokens")
    created_at = models.DateTimeField(auto_now_add=True)
    expires_at = models.DateTimeField(null=True, blank=True)
    last_used_at = models.DateTimeField(null=True, blank=True)
    revoked_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        ordering = ["label", "pk"]

    def __str__(self) -> str:
        return f"{self.label} ({self.prefix}…)"


class ShareLink(models.Model):
    """A link that shows one thing to whoever holds it: 32 random bytes of which only the SHA-256 is kept.

    `scope` names the thing: "program:KEY", "team:KEY", "badge:team:KEY" or "badge:goal:PROGRAM/METRIC/TEAM".
    """

    label = models.CharField(max_length=200)
    scope = models.CharField(max_length=400)
    digest = models.CharField(max_length=64, unique=True, editable=False)
    prefix = models.CharField(max_length=12, editable=False, help_text="its first characters, to tell links apart")
    created_by = models.ForeignKey(User, null=True, blank=True, on_delete=models.SET_NULL, related_name="share_links")
    created_at = models.DateTimeField()
    expires_at = models.DateTimeField(null=True, blank=True)
    last_used_at = models.DateTimeField(null=True, blank=True)
    revoked_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        ordering = ["-created_at", "-pk"]

    def __str__(self) -> str:
        return f"{self.label} ({self.scope})"


class EntryLink(models.Model):
    """A link in a mail that lets its holder set a password, once: 32 random bytes of which the SHA-256 is kept."""

    class Purpose(models.TextChoices):
        INVITATION = "invitation"
        PASSWORD = "password"  # noqa: S105 - what for

    purpose = models.CharField(max_length=12, choices=Purpose.choices)
    user = models.ForeignKey(User, on_delete=models.CASCADE, related_name="entry_links")
    digest = models.CharField(max_length=64, unique=True, editable=False)
    created_by = models.ForeignKey(User, null=True, blank=True, on_delete=models.SET_NULL, related_name="+")
    created_at = models.DateTimeField()
    expires_at = models.DateTimeField()
    used_at = models.DateTimeField(null=True, blank=True)
    revoked_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        ordering = ["-created_at", "-pk"]

    def __str__(self) -> str:
        return f"{self.purpose} of {self.user}"

    def is_live(self, now: Any) -> bool:
        """Whether it still opens something."""
        return self.used_at is None and self.revoked_at is None and now < self.expires_at


class PasswordAsk(models.Model):
    """Somebody asked for a new password by this e-mail; a job answers, so that asking tells nobody who is known."""

    email = models.CharField(max_length=254)
    asked_at = models.DateTimeField()

    class Meta:
        ordering = ["asked_at", "pk"]

    def __str__(self) -> str:
        return f"{self.email} at {self.asked_at:%Y-%m-%d %H:%M}"


class Attempt(models.Model):
    """One try that counts against a limit; whose it was is kept as a digest only, as people mistype into any field."""

    bucket = models.CharField(max_length=64, help_text="digest of the limit's name and of whom it limits")
    at = models.DateTimeField(db_index=True)

    class Meta:
        ordering = ["at", "pk"]
        indexes = [models.Index(fields=["bucket", "at"], name="attempt_bucket")]

    def __str__(self) -> str:
        return f"{self.bucket[:8]}… at {self.at:%Y-%m-%d %H:%M}"


class AuditRowQuerySet(models.QuerySet["AuditRow"]):
    """Audit rows, which are only ever added."""

    def update(self, **_kwargs: Any) -> int:
        """Never."""
        raise ValueError("an audit row cannot be edited; write a new one")

    def delete(self) -> tuple[int, dict[str, int]]:
        """Never."""
        raise ValueError("an audit row cannot be deleted")


class AuditRow(models.Model):
    """One change: who, when, of what, before, after, why. Written with the change and never edited.

    The database refuses it too, by triggers (migration 0004).
    """

    at = models.DateTimeField()
    actor = models.ForeignKey(User, null=True, blank=True, on_delete=models.PROTECT, related_name="+")
    via = models.CharField(max_length=100, blank=True, help_text="door: a page, a command, a token")
    kind = models.CharField(max_length=60)
    key = models.CharField(max_length=300)
    before = models.JSONField(null=True, blank=True)
    after = models.JSONField(null=True, blank=True)
    reason = models.TextField(blank=True)

    objects = AuditRowQuerySet.as_manager()

    class Meta:
        ordering = ["-at", "-pk"]
        indexes = [models.Index(fields=["kind", "key"]), models.Index(fields=["-at", "-id"], name="audit_newest")]

    def __str__(self) -> str:
        return f"{self.at:%Y-%m-%d %H:%M} {self.kind} {self.key}"

    def save(self, *args: Any, **kwargs: Any) -> None:
        if self.pk is not None:
            raise ValueError("an audit row cannot be edited; write a new one")
        super().save(*args, **kwargs)

    def delete(self, *_args: Any, **_kwargs: Any) -> tuple[int, dict[str, int]]:
        raise ValueError("an audit row cannot be deleted")
