"""Certificates on disk: our own, those of servers that people trust, those that wait for it."""
