# The service for production: one image, three commands (see Procfile and docker-compose.yml).
FROM python:3.12-slim
ENV PYTHONDONTWRITEBYTECODE=1 PYTHONUNBUFFERED=1 PIP_NO_CACHE_DIR=1 PIP_DISABLE_PIP_VERSION_CHECK=1
WORKDIR /srv/quality
COPY requirements/base.txt requirements/base.txt
RUN pip install --require-hashes -r requirements/base.txt
COPY manage.py Procfile ./
COPY config config
COPY accounts accounts
COPY program program
COPY teams teams
COPY nudges nudges
COPY reviews reviews
COPY web web
COPY templates templates
# Collecting static files needs a key and a place to write, but none of production's.
RUN PRODUCTION=1 SECRET_KEY=only-to-collect-static-files VAR_DIR=/tmp/var python manage.py collectstatic --noinput \
 && useradd --create-home --uid 10001 quality && mkdir -p /var/lib/quality && chown quality /var/lib/quality
USER quality
ENV PRODUCTION=1 VAR_DIR=/var/lib/quality BIND=0.0.0.0 PORT=8000 WEB_CONCURRENCY=2
EXPOSE 8000
CMD ["sh", "-c", "exec python -m gunicorn config.wsgi --bind ${BIND}:${PORT} --workers ${WEB_CONCURRENCY} --worker-class gthread --threads 8 --timeout 60 --graceful-timeout 20"]
