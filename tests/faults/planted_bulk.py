"""Bulk runs that lose a result, send twice, or tell what they do not know."""

from .mutant import Mutant

_RUN, _BLOCKING = "bulk/run.py", "bulk/blocking.py"

BULK = (
    Mutant(
        "a stopped bulk run forgets the results that were not taken",
        _RUN,
        "            self.calls[ticket.row] = ticket\n",
        "",
        ("stopping",),
    ),
    Mutant(
        "a stopped bulk run tells results again that were taken",
        _BLOCKING,
        "        self._run.received()\n        try:\n",
        "        try:\n",
        ("stopping",),
    ),
    Mutant(
        "a result is held to be taken while it is still given",
        _BLOCKING,
        "        except BaseException:\n            self._end()\n",
        "        except BaseException:\n            self.close()\n",
        ("stopping",),
    ),
    Mutant(
        "a call that nobody waited for is told as untouched",
        "bulk/progress.py",
        " else ended or _not_waited_for(ticket)\n",
        " else ended\n",
        ("stopping",),
    ),
    Mutant(
        "a thread that was called off does its work nevertheless",
        "bulk/background.py",
        "        if self._begins.acquire(blocking=False):\n",
        "        if True:\n",
        ("stopping",),
    ),
    Mutant(
        "a request is sent before its intent is on disk",
        _RUN,
        "                if not self._journaled or ticket.asked is not None:",
        "                if True:",
        ("journal",),
    ),
    Mutant(
        "a result is given before its answer is on disk",
        _RUN,
        "        if not self._journaled:\n            self._tell(ticket, ended)\n            return\n        self._answers",
        "        self._tell(ticket, ended)\n        if not self._journaled:\n            return\n        self._answers",
        ("journal",),
    ),
    Mutant(
        "an intent stays after a 429",
        _RUN,
        '            self._outbox.add(Withdraw(ticket.row))\n        if verdict != "again":\n',
        '            pass\n        if verdict != "again":\n',
        ("journal",),
    ),
    Mutant(
        "a call that was in flight is asked again without a look",
        "bulk/course.py",
        "        flow = asking(ticket.client, ticket.request, ticket.asked)\n",
        "        flow = asking(ticket.client, ticket.request, None)\n",
        ("journal",),
    ),
    Mutant(
        "an order that comes again is sent again",
        _RUN,
        "        if first is None:\n            self._queue(ticket)\n",
        "        if True:\n            self._queue(ticket)\n",
        ("journal",),
    ),
    Mutant(
        "a resumed run does not compare its input",
        "bulk/replay.py",
        "        check_row(row, stored.row, stored.request, item)\n",
        "",
        ("journal",),
    ),
    Mutant(
        "one account that is slow keeps the others idle",
        "bulk/lane.py",
        "any(len(lane.queue) < lane.concurrency for lane in running)",
        "all(len(lane.queue) < lane.concurrency for lane in running)",
        ("lanes",),
    ),
    Mutant(
        "a run that is stopped leaves its generator open",
        _BLOCKING,
        "            self._close_input()\n",
        "",
        ("stopping",),
    ),
    Mutant(
        "following that is stopped leaves the tasks of what it follows",
        "bulk/eventloop.py",
        "            await self._close_input()\n",
        "",
        ("stopping",),
    ),
    Mutant(
        "a blocked account is probed with a burst",
        "bulk/pace.py",
        "            self._next_at = now + max(2 * gap, _PROBE)\n",
        "            self._next_at = now + gap\n",
        ("pace",),
    ),
    Mutant(
        "a refused probe from before the account reopened counts twice",
        "bulk/pace.py",
        "        self._blocked_at, self._refused_at = None, now\n",
        "        self._blocked_at = None\n",
        ("pace",),
    ),
    Mutant(
        "requests catch up where the bucket holds one token",
        "bulk/pace.py",
        "            late = _CATCH_UP if gap * _CATCH_UP_FROM <= 1 else 0.0\n",
        "            late = _CATCH_UP\n",
        ("pace",),
    ),
)
