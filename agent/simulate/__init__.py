"""Devices that are not there: simulators that count what they are asked, for tests, demo and commissioning."""
