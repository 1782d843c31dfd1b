"""The OPC UA driver: one device of a server, its scan groups read at every instant or reported."""

from __future__ import annotations

from typing import Final

import numpy as np

from config.address import parse_node_id
from config.opcua import OpcUaLink, Reading
from config.plant import Plant, ScanGroup
from config.tags import Tag
from config.text import Text, text
from config.units import show_duration
from config.vocabulary import GOOD, Reason, bad, uncertain
from drivers.contract import DeviceError, DriverCounters, Expiry, Scan
from drivers.opcua.cyclic import Cyclic
from drivers.opcua.server import OpcUaServer
from drivers.opcua.session import Session
from drivers.opcua.subscription import Subscription
from drivers.opcua.terms import Item, Terms

_RESYNC: Final = uncertain(Reason.RESYNC)
_UNKNOWN: Final = [bad(Reason.SERVER, detail=code) for code in (0x033, 0x034)]  # BadNodeIdInvalid, -Unknown
_SOON_S: Final = 5.0
_NOW_AND_THEN_S: Final = 60.0
"""After what time the namespaces are looked at again: a server that starts registers some of them late."""


class OpcUaDriver:
    """See `drivers.contract.Driver` and `drivers.contract.Expiring`."""

    def __init__(self, plant: Plant, name: str, link: OpcUaLink, server: OpcUaServer) -> None:
        """Serve device `name`; `server` is shared with its other devices. Raises WrongValue."""
        self.counters = DriverCounters()
        self._link = link
        self._server = server
        self._reading = plant.description.devices[name].reading or link.reading or link.limits.reading
        self._terms = {
            group.number: self._terms_of(plant, group) for group in plant.groups if group.device == name
        }
        self._session: Session | None = None
        self._views: dict[int, Cyclic | Subscription] = {}
        self._resynced: set[int] = set()
        self._unknown: set[int] = set()
        server.join(self)

    async def scan(self, group: ScanGroup) -> Scan:
        """See `drivers.contract.Driver`. The first scan of a group in a new session is Uncertain."""
        session = await self._server.session(self.counters)
        if session is not self._session:
            self._enter(session)
        try:
            await session.look_at_namespaces(_SOON_S if group.number in self._unknown else _NOW_AND_THEN_S)
            scan = await self._views[group.number].scan()
        except DeviceError as error:
            self.counters.count(error)
            self._server.drop(session)
            raise
        self._unknown.discard(group.number)
        if np.isin(scan.quality, _UNKNOWN).any():
            self._unknown.add(group.number)
        if group.number in self._resynced:
            self._resynced.remove(group.number)
            scan.quality[scan.quality == GOOD] = _RESYNC
        return scan

    async def close(self) -> None:
        """See `drivers.contract.Driver`."""
        await self._server.leave(self)

    def plan(self, group: ScanGroup) -> list[Text]:
        """See `drivers.contract.Driver`. A server that allows fewer nodes a request costs more of them."""
        terms, most = self._terms[group.number], self._link.limits.nodes
        if self._reading is Reading.SUBSCRIPTION:
            sampling_ns = [item.sampling_ns for item in terms.items]
            return [
                text(
                    "subscription of {nodes} nodes, looked at every {sampling}, told every {publishing}; "
                    "a value is at most {age} old",
                    nodes=group.count,
                    sampling=show_duration(min(sampling_ns)),
                    publishing=show_duration(terms.publishing_ns),
                    age=show_duration(max(sampling_ns) + terms.publishing_ns),
                )
            ]
        return [
            text("Read of {nodes} nodes", nodes=min(most, group.count - at))
            for at in range(0, group.count, most)
        ]

    def expiries(self) -> tuple[Expiry, ...]:
        """See `drivers.contract.Expiring`."""
        return self._server.expiries()

    def _enter(self, session: Session) -> None:
        """Begin anew in a session; the next may number namespaces otherwise and knows no subscriptions."""
        if self._session is not None:
            self._resynced = set(self._terms)
        self._session = session
        self._views = {number: self._view(session, terms) for number, terms in self._terms.items()}

    def _view(self, session: Session, terms: Terms) -> Cyclic | Subscription:
        if self._reading is Reading.SUBSCRIPTION:
            return Subscription(session, terms, self.counters)
        return Cyclic(session, terms, self.counters)

    def _terms_of(self, plant: Plant, group: ScanGroup) -> Terms:
        scan_class = plant.scan_class_of(group)
        return Terms(
            items=[self._item(tag, scan_class.period) for tag in plant.tags_of(group)],
            publishing_ns=self._link.limits.publishing(scan_class.period),
            stale_ns=scan_class.stale_ns,
            timeout_ns=self._link.timeout,
        )

    def _item(self, tag: Tag, period_ns: int) -> Item:
        return Item(
            address=parse_node_id(tag.address),
            is_text=tag.type.is_text,
            sampling_ns=self._link.limits.sampling(period_ns, tag.sampling),
            queue=tag.queue,
            deadband=tag.server_deadband,
        )
