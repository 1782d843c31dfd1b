"""Exit codes (sysexits(3)); systemd does not restart on a wrong description."""

from enum import IntEnum


class Exit(IntEnum):
    """How the program ends."""

    OK = 0
    FAILED = 1
    USAGE = 64
    UNAVAILABLE = 69
    CANNOT_CREATE = 73
    TRY_AGAIN = 75
    CONFIG = 78
