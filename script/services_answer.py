"""Exit 0 when the database of DATABASE_URL and the broker of REDIS_URL answer; else say which does not."""

from __future__ import annotations

import os
import sys
from urllib.parse import urlsplit, urlunsplit

import psycopg
import redis


def main() -> int:
    """Ask both."""
    # The database of the tests is made by them: ask the one that every server has.
    url = urlunsplit(urlsplit(os.environ["DATABASE_URL"])._replace(path="/postgres"))
    try:
        psycopg.connect(url, connect_timeout=3).close()
        redis.from_url(os.environ["REDIS_URL"], socket_connect_timeout=3).ping()
    except (psycopg.OperationalError, redis.RedisError) as error:
        sys.stderr.write(f"Not there: {error}\n")
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
