"""An exemption can be ended early, and its approval can be shorter than what was asked."""

from __future__ import annotations

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("teams", "0005_closed_items"),
    ]

    operations = [
        migrations.AddField(
            model_name="exemption",
            name="asked_until",
            field=models.DateField(blank=True, help_text="the last day asked for, where less was approved", null=True),
        ),
        migrations.AddField(
            model_name="exemption",
            name="ended_on",
            field=models.DateField(blank=True, help_text="ended early: counts no more from this day", null=True),
        ),
        migrations.AlterField(
            model_name="exemption",
            name="revoked_at",
            field=models.DateTimeField(blank=True, help_text="withdrawn, or ended early", null=True),
        ),
    ]
