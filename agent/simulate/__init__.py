"""Devices that are not there: simulators that count what they are asked."""
