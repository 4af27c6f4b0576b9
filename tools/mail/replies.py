"""The text that a sender wrote, beside email_reply_parser and mail-parser-reply, on their test mails."""

import os

import mailparser_reply
from email_reply_parser import EmailReplyParser


def words(text):
    return (text or "").split()


def kind(ours, theirs):
    if ours == theirs:
        return "same"
    if theirs and ours[:len(theirs)] == theirs:
        return "Ken keeps more"
    if ours and theirs[:len(ours)] == ours:
        return "Ken keeps less"
    return "other"


def compare(program, folder):
    """For each library, how often which kind; and what differs."""
    languages = ["en", "de", "fr", "es", "it", "ja", "ko", "nl", "zh", "da", "pl", "sv", "cs"]
    libraries = {
        "email_reply_parser": EmailReplyParser.parse_reply,
        "mail-parser-reply": mailparser_reply.EmailReplyParser(languages=languages).parse_reply,
    }
    counts = {name: {} for name in [*libraries, "the two libraries"]}
    different = []
    for path in sorted(os.path.join(at, name) for at, _, names in os.walk(folder) for name in names):
        text = open(path, encoding="utf-8", errors="replace").read()
        ours = words(program.ask("written", text=text)["written"])
        theirs = {name: words(parse(text)) for name, parse in libraries.items()}
        for name, found in theirs.items():
            which = kind(ours, found)
            counts[name][which] = counts[name].get(which, 0) + 1
            if which != "same":
                different.append((name, os.path.relpath(path, folder), which, " ".join(ours), " ".join(found)))
        one, other = theirs.values()
        which = kind(one, other).replace("Ken", "the first")
        counts["the two libraries"][which] = counts["the two libraries"].get(which, 0) + 1
    return counts, different
