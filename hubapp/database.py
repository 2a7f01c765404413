"""Which PostgreSQL is in use: the embedded one, or one of the hospital's own."""

from __future__ import annotations

from hubapp.failure import Failure
from hubapp.settings import Settings


def database_url(settings: Settings) -> str:
    """postgresql://… for asyncpg. It may hold a password: it is never logged or printed."""
    if settings.database is not None:
        return settings.database.get_secret_value()
    from hubapp.local.services import postgres_of

    postgres = postgres_of(settings)
    if not postgres.is_up():
        raise Failure(
            f"no database: the embedded PostgreSQL in {settings.home} is not up; "
            "start it with `hub services up`, or set HUB_DATABASE"
        )
    return postgres.url
