"""The troubles that can strike a request, each drawn at random in its particulars."""

from typing import TYPE_CHECKING

from . import bodies
from .network import Passage, Trouble

if TYPE_CHECKING:
    from .weather import Weather

UNSENT = (
    ("refused", "no connection (refused)", 0.0),
    ("name not found", "no connection: the host name was not found", 0.0),
    ("no TLS", "no connection (TLS failed)", 0.0),
    ("connect timeout", "no connection in time", 5.0),
    ("pool timeout", "no free connection in time", 10.0),
)
RESET = "the connection broke while the answer was awaited"
#: A reply of these says nothing about whether the request was applied: some gateways send them either way.
UNCLEAR = (408, 500, 500, 502, 502, 503, 503, 504, 504, 520, 301, 302, 303, 307, 308)

#: Retry-After as the world writes it, and the pause it asks for in so many words (None where it makes no sense).
RETRY_AFTER: tuple[tuple[str | None, float | None], ...] = (
    (None, None),
    ("1", 1.0),
    ("2", 2.0),
    ("7", 7.0),
    ("60", 60.0),
    ("3600", 3600.0),
    ("0", None),
    ("-1", None),
    ("1.5", None),
    ("", None),
    ("soon", None),
    ("1, 3", 3.0),
    ("+3", None),
    ("0x10", None),
    ("1e3", None),
    ("inf", None),
    ("nan", None),
    ("\u0663", None),
    ("9" * 5000, 3600.0),
    ("99999999999999999999", 3600.0),
    ("Mon, 02 Mar 2026 09:00:04 GMT", None),
    ("Wed, 21 Oct 2015 07:28:00 GMT", None),
    ("Fri, 99 Foo 2026 00:00:00 GMT", None),
    ("Tue, 03 Mar 99999 09:00:00 GMT", None),
    ("Mon, 02 Mar 2026 09:00:00 -9999", None),
)


def unsent(weather: "Weather", passage: Passage) -> Trouble:
    """Nothing leaves."""
    name, detail, slow = weather.random.choice(UNSENT)
    return Trouble(name, unsent=detail, slow=slow)


def lost(weather: "Weather", passage: Passage) -> Trouble:
    """The request leaves and does not arrive."""
    if weather.random.random() < 0.5:
        return Trouble("request lost, reset", lands=False, loses=RESET, slow=weather.random.uniform(0, 3))
    return Trouble("request lost, silence", lands=False, stalls=True)


def reply_lost(weather: "Weather", passage: Passage) -> Trouble:
    """The request is applied, and the answer does not come back."""
    if weather.random.random() < 0.6:
        return Trouble("reply lost, reset", loses=RESET, slow=weather.random.uniform(0, 3))
    return Trouble("reply lost, silence", stalls=True)


def late(weather: "Weather", passage: Passage) -> Trouble:
    """The request lands when the client has given up on it."""
    lag = weather.random.choice((0.5, 2.0, 5.0, 20.0, 60.0, 3600.0)) * weather.random.uniform(0.5, 1.5)
    if weather.random.random() < 0.6:
        return Trouble("lands late, reset", lag=lag, loses=RESET, slow=weather.random.uniform(0, 1))
    return Trouble("lands late, silence", lag=lag, stalls=True)


def slow(weather: "Weather", passage: Passage) -> Trouble:
    """It takes long, on one way or the other."""
    seconds = weather.random.uniform(0.5, 30)
    return (
        Trouble("slow there", lag=seconds)
        if weather.random.random() < 0.5
        else Trouble("slow back", slow=seconds)
    )


def twice(weather: "Weather", passage: Passage) -> Trouble:
    """A gateway delivers the request twice, and passes on one of the answers.

    At Crux it is the first: the second, 422 because of the first, would be a refusal as documented.
    """
    if weather.random.random() < 0.3:
        return Trouble("twice, reply lost", copies=2, loses=RESET)
    return Trouble(
        "twice", copies=2, answered=0 if passage.marketplace == "crux" else weather.random.randrange(2)
    )


def unclear(weather: "Weather", passage: Passage) -> Trouble:
    """A status that does not say whether the request was applied."""
    status, applied = weather.random.choice(UNCLEAR), weather.random.random() < 0.5
    headers = {"location": bodies.ELSEWHERE} if status < 400 else {}
    if status == 503 and weather.random.random() < 0.5:
        headers["retry-after"] = weather.random.choice(("1", "5", "120"))
    name = f"{status}, {'applied' if applied else 'not applied'}"
    return Trouble(name, lands=applied, alters=bodies.answers(status, headers=headers))


def limited(weather: "Weather", passage: Passage) -> Trouble:
    """429, or 425, with any Retry-After. Neither is applied."""
    if weather.random.random() < 0.1:
        return Trouble("425", lands=False, alters=bodies.answers(425))
    text, pause = weather.random.choice(RETRY_AFTER)
    headers = {} if text is None else {"retry-after": text}
    if weather.random.random() < 0.5 and text and text[:3] == "Mon":
        headers["date"] = "Mon, 02 Mar 2026 09:00:00 GMT"
        pause = 4.0 if text.endswith("04 GMT") else None
    return Trouble("429", lands=False, pause=pause, alters=bodies.answers(429, b"", headers))


def cut(weather: "Weather", passage: Passage) -> Trouble:
    """The body does not come whole."""
    flaw = weather.random.choice(("it is cut short", "it is too large", "its encoding is broken"))
    if weather.random.random() < 0.3:
        return Trouble("body stalls", stalls=True, alters=bodies.flawed("it did not end in time"))
    if weather.random.random() < 0.2:
        return Trouble("200 by a gateway, cut", lands=False, alters=bodies.broken_off(flaw))
    return Trouble("body cut", alters=bodies.flawed(flaw))


GARBLED = (
    bodies.html,
    bodies.empty,
    bodies.gateway_json,
    bodies.in_a_list,
    bodies.not_a_number,
    bodies.many_digits,
    bodies.deep,
    bodies.not_utf8,
    bodies.repeated,
    bodies.repeated,
    bodies.of_wrong_type,
    bodies.of_wrong_type,
    bodies.without_a_field,
    bodies.about_another_id,
    bodies.about_another_id,
)


def garbled(weather: "Weather", passage: Passage) -> Trouble:
    """The body is not what was sent."""
    change = weather.random.choice(GARBLED)
    return Trouble(f"body: {change.__name__.replace('_', ' ')}", alters=bodies.body(change))


def masked(weather: "Weather", passage: Passage) -> Trouble:
    """A gateway answers 200 in the marketplace's place, with a page of its own.

    Crux documents no body for a 200: there nobody can tell `{"status":"ok"}` from the marketplace's own.
    """
    pages = [bodies.HTML, b'{"error":"upstream unavailable"}', b"OK"]
    if passage.marketplace != "crux":
        pages.append(b'{"status":"ok"}')
    change = weather.random.choice(pages)
    return Trouble("200 by a gateway", lands=False, alters=bodies.answers(200, change))


def barred(weather: "Weather", passage: Passage) -> Trouble:
    """A firewall or a router answers 401, 403 or 404 in the marketplace's place."""
    status = weather.random.choice((401, 401, 403, 404))
    return Trouble(f"{status} by a gateway", lands=False, alters=bodies.answers(status))


def echoed(weather: "Weather", passage: Passage) -> Trouble:
    """A gateway prints the request it could not pass on."""
    return Trouble("request echoed", lands=False, alters=bodies.echoing)


def consequence(weather: "Weather", passage: Passage) -> Trouble:
    """An earlier attempt was applied, and that is why this one is answered 404, 409 or 422."""
    status = weather.random.choice((404, 409, 422))
    return Trouble(
        f"{status} for the second attempt", lands=False, alters=bodies.answers(status, b'{"errors":["gone"]}')
    )


def stale(weather: "Weather", passage: Passage) -> Trouble:
    """The read shows an earlier state."""
    return Trouble("stale read", stale=weather.random.randint(1, 3))


def mixed_up(weather: "Weather", passage: Passage) -> Trouble:
    """The read shows another order."""
    return Trouble(
        "another order", alters=bodies.about_another_order(weather.world, weather.order_id, weather.other_id)
    )
