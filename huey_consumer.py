"""Starts a consumer: `python huey_consumer.py --help` tells all."""

from gevent import monkey

monkey.patch_all()

from psycogreen.gevent import patch_psycopg

patch_psycopg()

import sys

from tasks.engine.consumer.command import main

if __name__ == "__main__":
    sys.exit(main())
