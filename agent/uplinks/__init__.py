"""Northbound transports: one uplink is one connection to one platform."""
