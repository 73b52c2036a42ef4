from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ('reviews', '0007_look_keeps_totals'),
    ]

    operations = [
        migrations.RenameField(model_name='effectlook', old_name='rested_on', new_name='arrived'),
        migrations.AlterField(
            model_name='effectlook',
            name='arrived',
            field=models.CharField(default='', help_text='the last run, in a word', max_length=80),
        ),
        migrations.AddField(
            model_name='effectlook',
            name='changed',
            field=models.CharField(default='', help_text='the last change that moves a number, in a word', max_length=80),
        ),
        migrations.AddField(
            model_name='effectlook',
            name='last_run',
            field=models.BigIntegerField(default=0),
        ),
        migrations.AddField(
            model_name='effectlook',
            name='late_runs',
            field=models.JSONField(default=list, help_text='runs that had brought nothing yet: see known'),
        ),
    ]
