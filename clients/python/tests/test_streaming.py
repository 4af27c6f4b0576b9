"""The parser of server-sent events."""

import pytest

from ken_client import Done, KenProblem, Restart
from ken_client.streaming import EventParser, event_of

STREAM = (
    b'\xef\xbb\xbfevent: delta\n: comment\ndata: {"text": "\xe9\x80\x80\xe6\xac\xbe\xe2\x80\xa8x"}\n\n'
    b"event: a\rdata: 1\rdata:2\r\r"
    b"data: unnamed\r\n\r\nevent: without data\r\n\r\nid: 7\r\ndata:  two spaces\r\n\r\nevent: cut\ndata: off"
)
EXPECTED = [("delta", '{"text": "退款\u2028x"}'), ("a", "1\n2"), ("message", "unnamed"), ("message", " two spaces")]


@pytest.mark.parametrize("size", range(1, len(STREAM) + 1))
def test_events_do_not_depend_on_the_pieces(size):
    parser = EventParser()
    pieces = [STREAM[at : at + size] for at in range(0, len(STREAM), size)]
    assert [event for piece in pieces for event in parser.feed(piece)] == EXPECTED


def test_events_have_their_types():
    assert event_of("restart", "{}") == Restart()
    assert event_of("done", '{"id": "ans_1"}') == Done({"id": "ans_1"})
    assert event_of("of a newer service", "{}") is None
    with pytest.raises(KenProblem) as caught:
        event_of("error", '{"type": "/problems/unavailable", "title": "Service unavailable", "status": 503}')
    assert caught.value.status == 503 and caught.value.type == "/problems/unavailable"
