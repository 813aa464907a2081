"""The core loop of a consumer: fetch, exchange outcomes for claims, run, flush."""
