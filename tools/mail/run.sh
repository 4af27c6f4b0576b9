#!/usr/bin/env bash
# Tests ken-mail with real servers on loopback: Debian's dovecot for IMAP, aiosmtpd for SMTP, dkimpy for signatures, and
# Python's own parser.
#   $1   the program mail (crates/mail/examples/mail.rs)
#   $2   how many changed mails are compared
# REPLIES: a folder with the test mails of email_reply_parser and mail-parser-reply; without it they are not compared.
set -eu
cd "$(dirname "$0")/../.."
if [ ! -x /usr/sbin/dovecot ] && ! command -v dovecot > /dev/null; then
    echo "dovecot is not installed (Debian: apt-get install dovecot-imapd), so e-mail cannot be tested" >&2
    exit 1
fi
[ -x .cache/mail/bin/pip ] || python3 -m venv .cache/mail
.cache/mail/bin/pip install --quiet --require-hashes --requirement tools/mail/requirements.txt
exec .cache/mail/bin/python tools/mail/check.py "$1" "${2:-2000}"
