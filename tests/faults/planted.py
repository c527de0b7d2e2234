"""The wrong versions of the SDK that `tests.faults.mutants` plants, and the checks that have to catch them."""

from attrs import frozen

_PYTEST = ("pytest", "-x", "-q", "-p", "no:cacheprovider")

#: By name, what is run: a module and its arguments.
CHECKS: dict[str, tuple[str, ...]] = {
    "sweep": ("tests.faults.simulate", "--brief", "--cases", "6000", "--seed", "0", "--workers", "1"),
    "outages": (*_PYTEST, "tests/faults/test_simulation_outages.py"),
    "stories": (*_PYTEST, "tests/faults/test_simulation.py", "-k", "not fresh_slice"),
    "secrets": (*_PYTEST, "tests/faults/test_simulation_secrets.py"),
    "http": (*_PYTEST, "tests/http/test_faults.py"),
    "wire": (*_PYTEST, "tests/http/test_aiohttp.py", "tests/http/test_wire.py"),
    "marketplaces": (*_PYTEST, "tests/marketplaces"),
    "public": (*_PYTEST, "tests/public/test_interface.py"),
    "core": (*_PYTEST, "tests/core"),
}


@frozen
class Mutant:
    """One wrong version: in a module of the SDK, an old text and the new one, and the checks to run in turn."""

    name: str
    module: str
    old: str
    new: str
    checks: tuple[str, ...] = ("sweep",)


MUTANTS = (
    Mutant(
        "a request that was sent and not answered is sent again (ReadTimeout)",
        "cancellation.py",
        "        if reply.sent:\n",
        "        if False:\n",
    ),
    Mutant(
        "PoolTimeout is taken as sent",
        "transport/faults.py",
        '    "PoolTimeout": "no free connection in time",\n',
        "",
        ("http",),
    ),
    Mutant(
        "ReadTimeout is taken as not sent",
        "transport/faults.py",
        "_NOT_SENT = {\n",
        '_NOT_SENT = {\n    "ReadTimeout": "no answer in time",\n',
        ("http",),
    ),
    Mutant(
        "no id check in an answer of Pattern",
        "marketplaces/pattern.py",
        "        check_subject(answer.market_order_id, case.order_id)\n",
        "",
    ),
    Mutant(
        "no id check in a read of Pattern",
        "marketplaces/pattern.py",
        "        check_subject(answer.market_order_id, order_id)\n",
        "",
    ),
    Mutant(
        "no id check in an answer of VTEX",
        "marketplaces/vtex.py",
        "        check_subject(answer.order_id, case.order_id)\n",
        "",
    ),
    Mutant(
        "no id check in a read of VTEX",
        "marketplaces/vtex.py",
        "        check_subject(answer.order_id, order_id)\n",
        "",
    ),
    Mutant(
        "no id check at Crux",
        "marketplaces/crux.py",
        "        check_subject(answer.uuid.casefold(), order_id.casefold())\n",
        "",
    ),
    Mutant(
        "no id check at Kibo",
        "marketplaces/kibo.py",
        "        check_subject(answer.order_id, order_id)\n",
        "",
    ),
    Mutant(
        "409 is always refused",
        "cancellation.py",
        "    if isinstance(verdict, Refused | PartiallyCancelled) and status >= 400 and call.ambiguous:\n",
        "    if status == 409:\n        return call.case.refused(None, ())\n"
        "    if isinstance(verdict, Refused | PartiallyCancelled) and status >= 400 and call.ambiguous:\n",
    ),
    Mutant(
        "a refusal is believed after an unclear attempt",
        "cancellation.py",
        "    if isinstance(verdict, Refused | PartiallyCancelled) and status >= 400 and call.ambiguous:\n",
        "    if False:\n",
        ("sweep", "core", "marketplaces"),
    ),
    Mutant(
        "404 is raised after an unclear attempt",
        "cancellation.py",
        "        if isinstance(verdict, Doubt) or call.ambiguous:\n",
        "        if isinstance(verdict, Doubt):\n",
    ),
    Mutant(
        "5xx is a failure",
        "cancellation.py",
        "300 <= status < 400 or status >= 500 or status == 408",
        "300 <= status < 400 or status == 408",
    ),
    Mutant(
        "408 is a failure",
        "cancellation.py",
        "300 <= status < 400 or status >= 500 or status == 408",
        "300 <= status < 400 or status >= 500",
    ),
    Mutant(
        "3xx is a failure",
        "cancellation.py",
        "300 <= status < 400 or status >= 500 or status == 408",
        "status >= 500 or status == 408",
    ),
    Mutant(
        "a 2xx is a success, whatever its body",
        "cancellation.py",
        '            return Doubt(f"answered {status} with a body that is not as documented: {error}")\n',
        "            if status < 300:\n                return call.case.requested(None)\n"
        '            return Doubt(f"answered {status} with a body that is not as documented: {error}")\n',
    ),
    Mutant(
        "a truncated body is accepted",
        "cancellation.py",
        "    if not reply.flaw and status != 401:\n",
        "    if status != 401:\n",
    ),
    Mutant(
        "a field that stands twice is accepted",
        "engine/decoding.py",
        "        if _may_repeat_a_name(body, answer):\n",
        "        if False:\n",
    ),
    Mutant(
        "`success` outranks the lists of Pattern",
        "marketplaces/pattern.py",
        "        if refused and (begun or before):\n",
        "        if answer.success:\n            return case.requested(answer)\n        if refused and (begun or before):\n",
        ("sweep", "marketplaces"),
    ),
    Mutant(
        "an order of Pattern that was cancelled before is refused",
        "marketplaces/pattern.py",
        "        refused = tuple(part for part in rest if not _is_cancelled(part.status))\n",
        "        refused, before = rest, ()\n",
    ),
    Mutant(
        "a denial of VTEX is conclusive while a lost request is settled",
        "marketplaces/vtex.py",
        "        if waiting and latest is not None and latest.denied_by_seller:\n",
        "        if latest is not None and latest.denied_by_seller:\n"
        "            part = Part(answer.order_id, status, latest.denial_reason)\n"
        "            return Reading(case.refused(answer, (part,)), conclusive=True)\n"
        "        if waiting and latest is not None and latest.denied_by_seller:\n",
    ),
    Mutant(
        "a cancel of Crux is sent again after an unclear one",
        "marketplaces/crux.py",
        "    repeatable: ClassVar[bool] = False\n",
        "    repeatable: ClassVar[bool] = True\n",
    ),
    Mutant(
        "some lines of Crux are taken for all",
        "case.py",
        "        if not others:\n",
        "        if cancelled:\n",
    ),
    Mutant(
        "a 200 of Kibo is a cancellation",
        "marketplaces/kibo.py",
        "    return all(text in ",
        "    return True or all(text in ",
    ),
    Mutant(
        "Retry-After is ignored",
        "context.py",
        "        wanted = retry_after(reply.headers, self._clock.wall())\n",
        "        wanted = None\n",
    ),
    Mutant(
        "a date in Retry-After is taken against this machine's clock",
        "engine/retry.py",
        '    since = _timestamp(headers.get("date") or "")\n',
        "    since = None\n",
        ("stories",),
    ),
    Mutant(
        "a gate for each call, not for the account",
        "context.py",
        "        self._account = account\n",
        "        self._account = Account()\n        self._account.budget = account.budget\n",
        ("outages",),
    ),
    Mutant(
        "no retry budget",
        "context.py",
        "pause if pause is not None and self._account.budget.spend() else None",
        "pause",
        ("outages",),
    ),
    Mutant(
        "a deadline for each attempt",
        "context.py",
        "            return self._deadline - min(10.0, left / 3)\n",
        "            return now + (self._deadline - self._started)\n",
    ),
    Mutant(
        "a closed gate is waited for beyond the deadline",
        "context.py",
        "            if self.shut_out(what):\n",
        "            if False:\n",
    ),
    Mutant(
        "hiding behind Unknown: the order is not read",
        "cancellation.py",
        "            settled = yield from _settling(market, order_id, call, doubt)\n",
        "            return call.case.unknown(doubt.reason)\n",
    ),
    Mutant(
        "no evidence on an interruption",
        "context.py",
        '            self._leave_evidence(interruption, what == "cancel" or self.ambiguous)\n',
        "            self._leave_evidence(interruption, False)\n",
    ),
    Mutant(
        "no evidence on an interrupted pause",
        "context.py",
        "            self._leave_evidence(interruption, self.ambiguous)\n",
        "            self._leave_evidence(interruption, False)\n",
    ),
    Mutant(
        "no evidence while a call waits for another's token",
        "engine/auth.py",
        "            yield from sender.sleep(_LOOK_AGAIN)\n",
        "            from .wire import Sleep\n\n            yield Sleep(_LOOK_AGAIN)\n",
        ("outages",),
    ),
    Mutant(
        "the AppToken of VTEX in a repr",
        "settings.py",
        "    app_token: Secret = attrs.field(converter=as_secret, validator=checks.credential, repr=False)\n",
        "    app_token: Secret = attrs.field(\n"
        "        converter=as_secret, validator=checks.credential, repr=lambda secret: secret.reveal()\n    )\n",
        ("secrets",),
    ),
    Mutant(
        "echoed credentials are not struck out of a body",
        "context.py",
        '        if isinstance(reply, Reply) and reply.body and what != "login":\n',
        "        if False:\n",
    ),
    Mutant(
        "echoed credentials are not struck out of a request id",
        "context.py",
        '                said = redacted(value.encode(errors="replace"), self._auth.secrets)\n',
        '                said = value.encode(errors="replace")\n',
    ),
    Mutant(
        "headers with a credential show it",
        "engine/secret.py",
        "        return f\"SealedHeaders({', '.join(sorted(self._pairs))})\"\n",
        "        return repr(self._pairs)\n",
        ("secrets",),
    ),
    Mutant(
        "redirects are followed (blocking)",
        "transport/blocking.py",
        "follow_redirects=False",
        "follow_redirects=True",
        ("http",),
    ),
    Mutant(
        "redirects are followed (asyncio)",
        "transport/eventloop.py",
        "follow_redirects=False",
        "follow_redirects=True",
        ("http",),
    ),
    Mutant(
        "the async door forgets what it was asked",
        "subclient.py",
        "        return await self._driver.run(cancelling(self._marketplace, request, order_id, call))\n",
        "        call._deadline += 1.0\n"
        "        return await self._driver.run(cancelling(self._marketplace, request, order_id, call))\n",
    ),
    Mutant(
        "a connection of aiohttp's is used again with an answer left over on it",
        "transport/aiohttp.py",
        " or protocol.should_close:\n",
        ":\n",
        ("wire",),
    ),
    Mutant(
        "a connection of aiohttp's is used again with the beginning of a head on it",
        "transport/private.py",
        "        return parser is not None and bool(parser.feed_eof())\n",
        "        return False\n",
        ("wire",),
    ),
    Mutant(
        "what waits in the socket of an idle connection is taken for the answer",
        "transport/aiohttp.py",
        "        if protocol in self._asked and readable",
        "        if False and readable",
        ("wire",),
    ),
    Mutant(
        "a line break gets into a head",
        "transport/aiohttp.py",
        "    if not all(line.isprintable() for line in lines):\n",
        '    if any("\\r\\n" in line.strip() for line in lines):\n',
        ("wire",),
    ),
    Mutant(
        "a request leaves after the deadline",
        "transport/aiohttp.py",
        "    if CLOCK.monotonic() >= call.deadline:\n",
        "    if False:\n",
        ("wire",),
    ),
    Mutant(
        "a call that never had a connection counts as sent",
        "transport/aiohttp.py",
        "        call.sent = False\n",
        "        call.sent = True\n",
        ("wire",),
    ),
    Mutant(
        "a field may stand twice where a namesake is left out",
        "engine/decoding.py",
        "        times = len(objects) if required else",
        "        times = len(objects) if True else",
        ("core",),
    ),
    Mutant(
        "two threads that come first open two rooms, with a gate each",
        "client.py",
        "            self._subclients.setdefault(name, opened)",
        "            self._subclients[name] = opened",
        ("public",),
    ),
)
