"""A client of Ken, a knowledge base that answers with citations."""

from .client import AsyncKen, Ken
from .problems import KenProblem
from .streaming import Delta, Done, Evidence, Restart, StreamEvent
from .webhooks import WebhookError, verify_webhook

__all__ = [
    "AsyncKen",
    "Delta",
    "Done",
    "Evidence",
    "Ken",
    "KenProblem",
    "Restart",
    "StreamEvent",
    "WebhookError",
    "verify_webhook",
]
