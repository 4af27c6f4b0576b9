"""Which pieces of a multilingual vocabulary are kept: Chinese and English."""

# The vocabulary kept: every piece made only of these characters …
CHINESE_AND_ENGLISH = [
    (0x0020, 0x007E),  # ASCII
    (0x00A0, 0x00BF), (0x00D7, 0x00D7), (0x00F7, 0x00F7),  # Latin-1 signs
    (0x02B0, 0x02FF),  # tone marks of Bopomofo and Pinyin
    (0x2000, 0x2BFF),  # punctuation, currency, units, arrows, mathematics, boxes, symbols; the ▁ of SentencePiece
    (0x3000, 0x303F),  # Chinese punctuation
    (0x3100, 0x312F), (0x31A0, 0x31BF),  # Bopomofo
    (0x3200, 0x9FFF),  # enclosed and squared forms, Han
    (0xF900, 0xFAFF), (0x20000, 0x323AF),  # Han: compatibility, rare
    (0xFE00, 0xFE1F), (0xFE30, 0xFE6F),  # variation selectors, vertical and small forms
    (0xFF00, 0xFF65), (0xFFE0, 0xFFEF),  # full-width forms
    (0x1F000, 0x1FAFF),  # emoji
]
# … and single characters of these, so that a foreign name is spelt rather than unknown.
SPELT = [
    (0x00C0, 0x024F), (0x0300, 0x036F), (0x1E00, 0x1EFF),  # Latin with diacritics
    (0x0370, 0x03FF), (0x0400, 0x04FF), (0x3040, 0x30FF),  # Greek, Cyrillic, kana
]


def choose_pieces(pieces, n_special):
    """Ids to keep, ascending; the new id of a piece is its place in this list.

    A text whose characters all lie in CHINESE_AND_ENGLISH is cut exactly as with the whole
    vocabulary: a piece dropped contains another character, so it could not have matched.
    """
    def within(character, ranges):
        return any(first <= ord(character) <= last for first, last in ranges)

    def wanted(piece):
        if all(within(c, CHINESE_AND_ENGLISH) for c in piece):
            return piece != "<mask>"
        letter = piece.lstrip("▁")
        return len(letter) == 1 and within(letter, SPELT)

    return [i for i, piece in enumerate(pieces) if i < n_special or wanted(piece)]
