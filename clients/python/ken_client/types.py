"""Bodies of requests and replies, as `docs/reference/openapi.json` describes them. A key that a class declares is in
each reply, unless a comment says otherwise. Replies of a newer service can have more keys."""

from __future__ import annotations

from typing import Any, Literal, TypedDict

Outcome = Literal["answered", "clarify", "refused", "handoff"]
"""`answered`: from the knowledge base, or a reply to a greeting. `clarify`: choose one of the suggestions. `refused`:
the knowledge base has no answer. `handoff`: a person has to answer."""

Reason = Literal[
    "no_evidence",
    "weak_evidence",
    "no_supported_sentence",
    "similar_only",
    "deadline",
    "conflicting_evidence",
    "asked_for_person",
    "ambiguous",
    "greeting",
    "thanks",
    "goodbye",
]
Level = Literal["very_strict", "strict", "balanced", "lenient", "very_lenient"]
Format = Literal["plain", "markdown", "speech"]
Strategy = Literal["standard", "extractive", "generated", "none"]
Kind = Literal["article", "faq", "case"]


class Utterance(TypedDict):
    """An earlier message of a conversation: of the customer (`user`), or of the bot or a person (`agent`)."""

    role: Literal["user", "agent"]
    text: str


class AnswerOptions(TypedDict, total=False):
    """Options of a question."""

    conversation_id: str
    """1 to 128 characters, chosen by the caller; the same for all turns of a conversation."""
    customer_id: str
    history: list[Utterance]
    """Previous utterances, oldest first, at most 50. Default: the recorded turns of the conversation."""
    audience: str | list[str]
    """Audiences of the end user. Without it only documents for everybody are cited."""
    channel: str
    language: str
    """Language of the reply (BCP 47). Default: that of the question."""
    format: Format
    tags: list[str]
    """Only documents with all of these tags."""
    limit: int
    """Maximum number of evidence passages, 1 to 100."""
    level: Level
    """Confidence that the answer needs. The key needs the role `editor` or above."""
    strategy: Literal["standard", "extractive", "generated"]
    as_of: str
    """RFC 3339. Default: now."""
    deadline_ms: int
    """Time budget in milliseconds, 1 to 60,000."""
    dry_run: bool
    """Answer without recording. The key needs the role `editor` or above."""


class SearchOptions(TypedDict, total=False):
    """Options of a search."""

    limit: int
    """1 to 100 passages."""
    audience: str | list[str]
    channel: str
    tags: list[str]
    """Only documents with all of these tags."""
    kinds: list[Kind]
    languages: list[str]
    document_ids: list[str]
    mode: Literal["hybrid", "keyword", "vector"]
    as_of: str
    """RFC 3339. Default: now."""
    explain: bool
    explain_document: str


class Feedback(TypedDict, total=False):
    """Feedback on an answer: at least one of these."""

    helpful: bool
    reason: Literal["wrong", "outdated", "irrelevant", "incomplete", "unclear", "other"]
    comment: str
    """1 to 2,000 characters."""
    csat: int
    """Rating, 1 to 5."""
    complaint: bool
    reopened: bool
    agent_action: Literal["accepted", "edited", "ignored"]
    corrected_answer: str
    """1 to 10,000 characters. The key needs a role that may review drafts."""
    corrected_document_id: str
    customer_id: str


class Link(TypedDict):
    """A link within a quote; `start` and `end` are bytes of the document's text."""

    text: str
    uri: str
    start: int
    end: int


class _Citation(TypedDict):
    number: int
    """From 1, in order of use; a sentence names it."""
    document_id: str
    document_version: int
    title: str
    uri: str | None
    chunk_id: str
    heading_path: list[str]
    quote: str
    """The document's text from byte `start` to byte `end`."""
    start: int
    end: int


class Citation(_Citation, total=False):
    """A quotation. Its optional keys are present if they have a value."""

    page: int
    links: list[Link]


class Sentence(TypedDict):
    """A sentence of an answer, with the numbers of its citations."""

    text: str
    citations: list[int]


class Rendered(TypedDict):
    """The text formatted for the channel, as messages in sending order."""

    format: Format
    messages: list[str]


class Timings(TypedDict):
    """Milliseconds for each stage."""

    embed: float
    keyword: float
    vector: float
    fuse: float
    read: float
    load: float
    admit: float
    compose: float
    generate: float
    total: float


class _Answer(TypedDict):
    id: str
    """Feedback names it. That of a dry run begins with `dry_` and is not stored."""
    outcome: Outcome
    reason: Reason | None
    text: str
    language: str
    strategy: Strategy
    confidence: float
    """Estimated probability that the evidence answers the question, 0 to 1."""
    sentences: list[Sentence]
    citations: list[Citation]
    suggestions: list[str]
    notes: list[str]
    rendered: Rendered
    conversation_id: str | None
    revision: int
    timings_ms: Timings


class Answer(_Answer, total=False):
    """An answer with its citations, or a refusal."""

    explanation: dict[str, Any]
    """Of a dry run only."""


class Highlight(TypedDict):
    """A part of a passage that matches the question, in bytes of `text`."""

    start: int
    end: int


class _Hit(TypedDict):
    chunk_id: str
    document_id: str
    document_version: int
    title: str
    uri: str | None
    language: str | None
    heading_path: list[str]
    text: str
    """The document's text from byte `start` to byte `end`."""
    start: int
    end: int
    score: float
    """0 to 1. It orders the passages of one search; it is not a probability."""
    highlights: list[Highlight]


class Hit(_Hit, total=False):
    """A passage."""

    explanation: dict[str, Any]
    """With `explain` only."""


class _SearchResult(TypedDict):
    hits: list[Hit]
    """Best first."""
    revision: int
    timings_ms: Timings


class SearchResult(_SearchResult, total=False):
    """The passages that a search found. The optional keys are present if they have a value."""

    degraded: Literal["encoder_unavailable", "vectors_unavailable"]
    terms: list[dict[str, Any]]
    document: dict[str, Any]


class Document(TypedDict):
    """A document with its text."""

    id: str
    version: int
    kind: Kind
    status: Literal["draft", "published", "archived"]
    title: str
    text: str
    uri: str | None
    language: str | None
    tags: list[str]
    audience: list[str]
    channels: list[str]
    valid_from: str | None
    valid_until: str | None
    review_by: str | None
    rank: int
    related: list[str]
    updated_at: str
    revision: int


class Closest(TypedDict):
    """The document that is nearest to a gap; `similarity` is a cosine, -1 to 1."""

    document_id: str
    title: str
    similarity: float


class FillingFaq(TypedDict):
    """An FAQ that fills a gap."""

    document_id: str
    title: str


class Stub(TypedDict):
    """The beginning of the FAQ that would fill a gap."""

    question: str
    variants: list[str]
    answer: str | None


class Gap(TypedDict):
    """Questions of one meaning that were not answered well."""

    id: str
    question: str
    volume: int
    rank: float
    cost: float
    trend: float
    failures: list[tuple[str, int]]
    """Pairs (in JSON: lists) of the kind of failure and the number of questions."""
    wordings: list[str]
    closest: Closest | None
    filled_by: FillingFaq | None
    draft_id: str | None
    stub: Stub | None


class Gaps(TypedDict):
    """A page of gaps, most urgent first. Pass `next` as `after` to get the next page."""

    gaps: list[Gap]
    next: str | None


class FeedbackResult(TypedDict):
    """Effects of feedback. `is_new` is false if the same feedback was already recorded."""

    id: str
    is_new: bool
    distrusted: list[str]
    case_id: str | None
    draft_id: str | None
