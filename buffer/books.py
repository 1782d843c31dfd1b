"""What the event loop knows of the log: which segments exist, and what of them is settled for whom."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import replace

from buffer.account import Account
from buffer.aside import Key
from buffer.channel import Channel
from buffer.counts import ReadingCounts
from buffer.cursor import Position, Positions
from buffer.index import Index, Segment
from buffer.ledger import Balance
from buffer.record import Loss, Record
from buffer.segment import Contents, Hole
from buffer.settled import Count, Fate
from config.vocabulary import LossCause, Stream

Accounts = dict[Stream, Account]


class Books:
    """Indexes and accounts. Every loss passes here once, and is `owed` until it has its LOSS record.

    `released`: what has left the quarantine, by uplink and stream, until its file is gone.
    """

    def __init__(
        self,
        *,
        run: int,
        indexes: Mapping[Stream, Index],
        accounts: Mapping[str, Accounts],
        before_run: Mapping[Stream, Count],
    ) -> None:
        self.indexes = indexes
        self.accounts = accounts
        self.before_run = before_run
        self._run = run
        self._counts = ReadingCounts()
        self.owed: list[Loss] = []
        self.released: defaultdict[tuple[str, Stream], dict[tuple[int, int], None]] = defaultdict(dict)

    def owe(self, losses: Iterable[Loss]) -> None:
        """Note losses; one that continues one of the newest of its kind joins it."""
        for loss in losses:
            newest = range(max(0, len(self.owed) - 2 * len(self.accounts) - 1), len(self.owed))
            at = next((at for at in newest if _continues(self.owed[at], loss)), None)
            if at is None:
                self.owed.append(loss)
            else:
                self.owed[at] = _joined(self.owed[at], loss)

    def take_owed(self) -> list[Loss]:
        """Return the losses that have no LOSS record, now that they get one."""
        taken, self.owed = self.owed, []
        return taken

    def settle(
        self, uplink: str, channel: Channel, run: int, first: int, last: int, fate: Fate, readings: int
    ) -> None:
        """Settle `first`..`last` for one uplink, as far as it is stored and not settled yet.

        Raises OSError, with nothing settled, where what was sent cannot be counted now.
        """
        index = self.indexes[channel.stream]
        account = self.accounts[uplink][channel.stream]
        newest = index.newest_of(run)
        if newest is None or newest.opening.number <= account.settled.floor:
            return
        stored = channel.tail.seq if run == self._run else newest.contents.last if newest.contents else 0
        last = min(last, stored)
        if first <= last:
            account.settle(run, first, last, fate, readings, lambda a, b: self._count(channel, run, a, b))

    def drop(self, stream: Stream, seq: int, readings: int, cause: LossCause) -> None:
        """Note that a number of this run was given out and its record dropped."""
        for accounts in self.accounts.values():
            accounts[stream].settled.settle(self._run, seq, seq, Fate(cause), readings)
        self.owe(
            _loss(uplink, stream, self._run, seq, seq, readings, cause) for uplink in self.accounts or ("",)
        )

    def lose(self, segment: Segment, hole: Hole) -> None:
        """Note that numbers in or just before a segment are not there, for every uplink that needed them.

        Where a hole took settled numbers too, nobody knows how many of its readings the others had: they
        count none, and the next opening finds the difference.
        """
        opening = segment.opening
        for uplink, accounts in self.accounts.items():
            settled = accounts[opening.stream].settled
            if settled.floor >= opening.number:
                continue
            for low, high in list(settled.unsettled(opening.run, hole.first, hole.last)):
                readings = hole.readings if (low, high) == (hole.first, hole.last) else 0
                self._lose_part(uplink, opening.stream, opening.run, low, high, readings, hole.cause)

    def lose_damaged(self, segment: Segment, contents: Contents) -> None:
        """Look for damage where an uplink needs a part of a finished segment, which has to be read anyway."""
        needed = [accounts[segment.opening.stream].needs(segment) for accounts in self.accounts.values()]
        if any(parts not in ([], [(contents.first, contents.last)]) for parts in needed):
            for hole in self._counts.missing(segment, contents):
                self.lose(segment, hole)

    def awaited(self, uplink: str, record: Record) -> Segment | None:
        """Return the segment of a record that an uplink still waits for; None where it waits no more."""
        settled = self.accounts[uplink][record.stream].settled
        segment = self.indexes[record.stream].find(record.run, record.seq)
        if segment is None or segment.opening.number <= settled.floor:
            return None
        return None if settled.contains(record.run, record.seq) else segment

    def give_up(self, uplink: str, record: Record, cause: LossCause) -> None:
        """Note that one stored record is lost to an uplink that waits for it."""
        seq = record.seq
        self._lose_part(uplink, record.stream, record.run, seq, seq, record.count, cause)

    def release(self, uplink: str, record: Record, fate: Fate) -> None:
        """Note that a quarantined record has met another fate; one that is a loss is owed its LOSS record."""
        stream, run, seq = record.stream, record.run, record.seq
        settled = self.accounts[uplink][stream].settled
        settled.convert(run, seq, Fate.QUARANTINED, fate, Count(1, record.count))
        self.released[uplink, stream][run, seq] = None
        if fate is not Fate.DELIVERED:
            self.owe([_loss(uplink, stream, run, seq, seq, record.count, LossCause(fate))])

    def is_released(self, uplink: str, record: Record | Key) -> bool:
        """Tell whether a record has left the quarantine though its file may still be there."""
        return (record.run, record.seq) in self.released[uplink, record.stream]

    def forget_released(self, uplink: str, record: Record) -> None:
        """Note that the file of a record that has left the quarantine is gone."""
        self.released[uplink, record.stream].pop((record.run, record.seq), None)

    def needs(self, uplink: str, stream: Stream, run: int, seq: int) -> bool:
        """Tell whether an uplink still waits for one number of an earlier run, be it there or missing."""
        settled, segment = self.accounts[uplink][stream].settled, self.indexes[stream].ending_behind(run, seq)
        above_floor = segment is not None and segment.opening.number > settled.floor
        return above_floor and not settled.contains(run, seq)

    def put_aside(self, uplink: str, record: Record, *, forgotten: bool) -> None:
        """Note that a record was found in quarantine of which no cursor knows.

        `forgotten`: the uplink still waited for it; else it is in no segment that the account begins with.
        """
        settled = self.accounts[uplink][record.stream].settled
        if forgotten:
            settled.settle(record.run, record.seq, record.seq, Fate.QUARANTINED, record.count)
        else:
            settled.below.add(Fate.QUARANTINED, Count(1, record.count))

    def remove(self, segment: Segment, cause: LossCause) -> None:
        """Take a finished segment out of the log; what uplinks still needed of it is lost to them.

        Raises OSError, with nothing done, where what is lost cannot be counted now.
        """
        stream = segment.opening.stream
        needed = [
            (uplink, low, high, self._counts.in_segment(segment, low, high))
            for uplink, accounts in self.accounts.items()
            for low, high in accounts[stream].needs(segment)
        ]
        for uplink, low, high, readings in needed:
            self._lose_part(uplink, stream, segment.opening.run, low, high, readings, cause)
        self.indexes[stream].remove(segment)

    def reconcile(self, uplink: str, stream: Stream, expected: Count | None) -> None:
        """Settle as damaged what an account should have (None: not known) and neither settled nor on disk."""
        account = self.accounts[uplink][stream]
        known = account.settled.tally().total().plus(self.backlog(account, stream))
        account.accounted = known
        self.lose_unnamed(uplink, stream, known.most(expected or Count()).minus(known))

    def lose_unnamed(self, uplink: str, stream: Stream, missing: Count) -> None:
        """Note that records are lost to an uplink whose numbers nobody knows, and that nobody counted yet."""
        if missing != Count():
            account = self.accounts[uplink][stream]
            account.settled.below.add(Fate.DAMAGED, missing)
            account.accounted = account.accounted.plus(missing)
            self.owe([_unnamed(uplink, stream, missing)])

    def needed(self, segment: Segment) -> bool:
        """Tell whether an uplink still needs something of a finished segment."""
        stream = segment.opening.stream
        return not all(accounts[stream].covers(segment) for accounts in self.accounts.values())

    def advance(self) -> None:
        """Raise every floor as far as it goes."""
        for accounts in self.accounts.values():
            for stream, account in accounts.items():
                account.advance(self.indexes[stream])

    def positions(self, uplink: str, channels: Mapping[Stream, Channel]) -> Positions:
        """Return what an uplink's cursor says now; only of what is stored."""
        positions = {}
        for stream, account in self.accounts[uplink].items():
            tail = channels[stream].tail
            stored = Count(tail.seq, tail.readings)
            positions[stream] = Position(
                settled=account.settled,
                stored=self.before_run[stream].plus(stored),
                accounted=account.accounted.plus(stored),
                newest=self.indexes[stream].newest,
                released=list(self.released[uplink, stream]),
            )
        return positions

    def balance(self, uplink: str, channel: Channel) -> Balance:
        """Return one uplink's balance in one stream."""
        account = self.accounts[uplink][channel.stream]
        tally = account.settled.tally()
        recorded = account.accounted.plus(Count(channel.seq, channel.readings))
        return Balance(
            recorded=recorded,
            delivered=tally.of(Fate.DELIVERED),
            backlog=recorded.minus(tally.total()),
            quarantined=tally.of(Fate.QUARANTINED),
            lost={cause: tally.of(Fate(cause)) for cause in LossCause if Fate(cause) in tally},
        )

    def _lose_part(
        self, uplink: str, stream: Stream, run: int, first: int, last: int, readings: int, cause: LossCause
    ) -> None:
        self.accounts[uplink][stream].settled.settle(run, first, last, Fate(cause), readings)
        self.owe([_loss(uplink, stream, run, first, last, readings, cause)])

    def backlog(self, account: Account, stream: Stream) -> Count:
        """Count what finished segments hold that is not settled."""
        total = Count()
        for segment in self.indexes[stream].segments:
            for low, high in account.needs(segment):
                total = total.plus(Count(high - low + 1, self._counts.in_segment(segment, low, high)))
        return total

    def _count(self, channel: Channel, run: int, first: int, last: int) -> int:
        """Count the readings in `first`..`last`, wherever they are."""
        return sum(
            self._counts.in_segment(segment, first, last)
            if segment.contents is not None
            else self._counts.in_hand(segment, channel.tail, first, last)
            for segment in self.indexes[channel.stream].between(run, first, last)
        )


def _loss(
    uplink: str, stream: Stream, run: int, first: int, last: int, readings: int, cause: LossCause
) -> Loss:
    return Loss(
        uplink=uplink,
        stream=stream,
        run=run,
        first=first,
        last=last,
        count=last - first + 1,
        readings=readings,
        cause=cause,
    )


def _unnamed(uplink: str, stream: Stream, missing: Count) -> Loss:
    return Loss(
        uplink=uplink,
        stream=stream,
        run=0,
        first=0,
        last=0,
        count=missing.records,
        readings=missing.readings,
        cause=LossCause.DAMAGED,
    )


def _joined(old: Loss, new: Loss) -> Loss:
    return replace(old, last=new.last, count=old.count + new.count, readings=old.readings + new.readings)


def _continues(old: Loss, new: Loss) -> bool:
    return old.last > 0 and (old.uplink, old.stream, old.run, old.last + 1, old.cause) == (
        new.uplink,
        new.stream,
        new.run,
        new.first,
        new.cause,
    )
