"""The tables of states, row by row."""
import pytest

from interface_server.app import socket_states as session
from interface_server.protocols.h1 import exchange, lifecycle as h1, reading_states
from interface_server.protocols.h2 import lifecycle as h2
from interface_server.protocols.ws import states as ws

TABLES = {
    "WebSocket": (ws.SOCKET, ws.CONNECTING), "session": (session.TRANSITIONS, session.OFFERED),
    "HTTP/1": (h1.TRANSITIONS, h1.OPEN), "HTTP/2": (h2.TRANSITIONS, h2.OPEN),
    "what is read of HTTP/1": (reading_states.TRANSITIONS, reading_states.IDLE),
    "exchange": (exchange.TRANSITIONS, exchange.WAITING), "body of a stream": (h2.BODY, h2.RECEIVING),
    "response of a stream": (h2.RESPONSE, h2.AWAITED), "WebSocket in a stream": (h2.TUNNEL, h2.PASSING),
}


@pytest.mark.parametrize("table, first", TABLES.values(), ids=TABLES)
def test_every_state_is_reached_and_known(table, first):
    reached, new = {first}, {first}
    while new:
        new = {after for state in new for after in table[state].values()} - reached
        reached |= new
    assert reached == set(table)


@pytest.mark.parametrize("table, last", [
    (ws.SOCKET, {ws.LOST}), (session.TRANSITIONS, {session.ENDED, session.UNHEARD}),
    (h1.TRANSITIONS, {h1.CLOSED}), (h2.TRANSITIONS, {h2.CLOSED}), (h2.BODY, {h2.READ}),
    (h2.RESPONSE, {h2.ABANDONED}), (h2.TUNNEL, {h2.OVER}),
], ids=["WebSocket", "session", "HTTP/1", "HTTP/2", "body of a stream", "response of a stream", "tunnel"])
def test_the_end_is_for_ever_and_from_everywhere(table, last):
    for state in table:
        assert (set(table[state].values()) <= {state}) is (state in last), state
        reached, new = {state}, {state}
        while new:
            new = {after for each in new for after in table[each].values()} - reached
            reached |= new
        assert reached & last, state


class Adapter:
    """What carries a session, and says nothing."""

    def __getattr__(self, name):
        return lambda *args: None


class Layer:
    """A layer whose answers to a connect message are given by the test."""

    project = ()

    def __init__(self):
        self.sent = []
        self.done = None

    def check_hearing(self, channel):
        """All is heard."""

    def keeps_place(self, channel):
        return True

    def send_then(self, channel, message, done):
        self.sent.append(channel)
        self.done = done

    def send_soon(self, channel, message, patience=0.0):
        self.sent.append(channel)


#: What comes on the reply channel.
REPLIES = {"accepted": {"accept": True}, "denied": {"accept": False}, "group's": {"text": "news"}}

#: What happens to a session -> the state it ends in, and the messages that workers get.
SESSIONS = [
    ([], session.OFFERED, ["connect"]),
    (["taken"], session.ANNOUNCED, ["connect"]),
    (["accepted"], session.OPEN, ["connect"]),
    (["taken", "accepted"], session.OPEN, ["connect"]),
    (["accepted", "taken"], session.OPEN, ["connect"]),
    # It can't have failed.
    (["accepted", "not taken"], session.OPEN, ["connect"]),
    (["not taken"], session.REFUSED, ["connect"]),
    (["not taken", "gone"], session.UNHEARD, ["connect"]),
    (["not taken", "gone", "gone"], session.UNHEARD, ["connect"]),
    (["gone"], session.LEFT_EARLY, ["connect"]),
    (["gone", "gone"], session.LEFT_EARLY, ["connect"]),
    (["gone", "not taken"], session.UNHEARD, ["connect"]),
    # A worker may be at the connect message; its answer tells that it is done.
    (["gone", "taken"], session.LEFT_UNANSWERED, ["connect"]),
    (["taken", "gone"], session.LEFT_UNANSWERED, ["connect"]),
    (["taken", "gone", "gone"], session.LEFT_UNANSWERED, ["connect"]),
    (["taken", "gone", "group's"], session.LEFT_UNANSWERED, ["connect"]),
    (["gone", "taken", "accepted"], session.ENDED, ["connect", "disconnect"]),
    (["taken", "gone", "accepted"], session.ENDED, ["connect", "disconnect"]),
    (["taken", "gone", "denied", "denied"], session.ENDED, ["connect", "disconnect"]),
    (["gone", "accepted", "taken"], session.ENDED, ["connect", "disconnect"]),
    (["gone", "denied", "not taken"], session.ENDED, ["connect", "disconnect"]),
    (["taken", "denied", "gone", "gone"], session.ENDED, ["connect", "disconnect"]),
    (["taken", "gone", "late"], session.ENDED, ["connect", "disconnect"]),
    (["taken", "denied"], session.DENIED, ["connect"]),
    (["denied", "taken", "gone"], session.ENDED, ["connect", "disconnect"]),
    (["denied", "not taken", "gone"], session.ENDED, ["connect", "disconnect"]),
    (["accepted", "gone"], session.ENDED, ["connect", "disconnect"]),
    (["accepted", "gone", "taken"], session.ENDED, ["connect", "disconnect"]),
    (["accepted", "gone", "not taken"], session.ENDED, ["connect", "disconnect"]),
    (["taken", "accepted", "gone"], session.ENDED, ["connect", "disconnect"]),
]


@pytest.mark.parametrize("events, state, messages", SESSIONS, ids=[", ".join(row[0]) or "nothing" for row in SESSIONS])
def test_workers_that_heard_of_a_socket_hear_of_its_end_once(events, state, messages):
    import asyncio

    from interface_server.app.application import Application
    from interface_server.backport import exceptions

    async def run():
        layer = Layer()
        application = Application(layer)
        application._started = True
        one = application.open_socket({
            "type": "websocket", "path": "/", "headers": [], "client": None, "server": None, "query_string": b"",
        }, Adapter())
        replies = application.context.replies
        channel = one._machine.reply_channel
        for event in events:
            if event in REPLIES:
                replies.dispatch([([channel], REPLIES[event])])
            elif event == "gone":
                one.ended(1001)
            elif event == "late":
                replies.departures.flush()
            else:
                layer.done(None if event == "taken" else exceptions.LayerUnavailable("away"))
        if one._timer is not None:
            one._timer.cancel()
        return one, layer

    one, layer = asyncio.run(run())
    assert (one._state, layer.sent) == (state, ["websocket." + message for message in messages])


def test_every_row_of_the_session_s_table_is_tried():
    names = {
        "taken": session.TAKEN, "not taken": session.NOT_TAKEN, "accepted": session.ACCEPTED, "gone": session.GONE,
        "denied": session.DENIAL, "late": session.ANSWERED,
    }
    left = (session.LEFT_EARLY, session.LEFT_UNANSWERED)
    tried = set()
    for events, _, _ in SESSIONS:
        state = session.OFFERED
        for event in events:
            if event in REPLIES and state in (*left, session.ENDED):
                if event == "group's" or state is session.ENDED:
                    continue
                event = "late"
            tried.add((state, names[event]))
            state = session.TRANSITIONS[state][names[event]]
    rows = {(state, event) for state, row in session.TRANSITIONS.items() for event in row}
    assert rows == tried


def test_silence_is_pinged_and_then_the_end():
    state, seen = ws.HEARD, []
    while state in ws.LIVENESS:
        state = ws.LIVENESS[state]
        seen.append(state)
    assert seen == [ws.SILENT, ws.PINGED, ws.DEAD]
