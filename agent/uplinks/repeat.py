"""What of the past is sent again, because the platform may have lost what it acknowledged."""

from __future__ import annotations

from agent.bodies import RecordError
from agent.ranges import Ranges
from agent.uplinks.parcels import Packer
from buffer.record import Record
from config.vocabulary import Stream


class Repeat:
    """Chooses records no older than `since_utc_ns` that this connection has not carried yet."""

    def __init__(self, since_utc_ns: int, packer: Packer) -> None:
        self.since_utc_ns = since_utc_ns
        self._packer = packer
        self._carried: dict[tuple[int, Stream], Ranges] = {}

    def note(self, record: Record) -> None:
        """Remember what this connection carries."""
        self._carried.setdefault((record.run, record.stream), Ranges()).add(record.seq)

    def wanted(self, record: Record) -> bool:
        """Tell whether a record is to be sent again; what cannot be dated or read is not.

        What cannot be read just now is: it cannot leave now either, and is asked for again when it can.
        """
        if record.seq in self._carried.get((record.run, record.stream), ()):
            return False
        try:
            utc_ns = self._packer.utc_ns_of(record)
        except RecordError:
            return False
        except OSError:
            return True
        return utc_ns is not None and utc_ns >= self.since_utc_ns
