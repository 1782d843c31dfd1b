"""Southbound: turn a device into scans, without ever disturbing it or writing to it."""
