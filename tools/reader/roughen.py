"""Makes questions look typed by people: openers, missing marks, spoken Taiwanese and Cantonese words, letter style, typos."""

import random
import re

OPENERS = ["請問", "想問", "欸", "那個", "你好，", "不好意思，", "请问", "想问下", "唔該", "哈囉 ", "麻煩問一下，", "hi "]
ENDINGS = ["啊", "呢", "喔", "呀", "啦", "咧", "㗎", "謝謝", "??", "，急", "嘅"]
SPOKEN = [
    ("什麼|什么", ["啥", "甚麼", "咩", "乜嘢"]), ("哪裡|哪里|何處", ["哪", "邊度", "哪邊"]),
    ("如何|怎樣|怎样", ["怎麼", "點樣", "怎么"]), ("為什麼|为什么|為何", ["為啥", "點解"]),
    ("多少", ["幾多", "幾"]), ("誰|谁", ["邊個"]), ("何時|何时|什麼時候|什么时候", ["幾時", "啥時候"]),
    ("沒有|没有", ["冇", "沒"]), ("不是", ["唔係"]), ("是", ["係"]), ("的", ["嘅", "ㄉ", ""]), ("嗎|吗", ["", "吼"]),
    ("可以", ["能", "可唔可以"]), ("現在", ["而家"]), ("我們", ["我哋"]), ("不用", ["唔使"]),
]
# The style of letters to a company, Traditional and Simplified.
LETTERS = [
    ("你們|你们|店裡|店里", ["貴公司", "貴店", "贵公司", "貴單位"]), ("我們|我们", ["敝公司", "本公司", "敝司"]), ("我", ["本人", "敝人"]),
    ("可以(.{1,14})嗎", [r"可否\1", r"得否\1", r"是否得以\1"]), ("可以(.{1,14})吗", [r"可否\1", r"能否\1"]),
    ("多久", ["需時若干", "所需期間為何"]), ("多少錢|多少钱", ["費用若干", "費用為何", "费用为何"]), ("幾天|几天", ["若干日"]),
    ("什麼時候|什么时候|何時|何时", ["於何時", "何日"]), ("怎麼|怎么|怎樣|怎样", ["如何", "應如何"]), ("要(?=什麼|什么|哪)", ["須備"]),
    ("不能", ["不得"]), ("如果", ["倘", "若"]), ("的話|的话", [""]), ("買的|买的", ["所購", "購入之"]), ("壞了|坏了", ["故障"]), ("還|还", ["尚"]),
]
SALUTATIONS = ["敬啟者，", "您好，茲因需求，", "承辦人員您好，", "為瞭解相關規定，", "冒昧請教，", "尊敬的客服，", "煩請告知"]
CLOSINGS = ["，敬請賜覆", "，請惠予說明", "，盼覆", "，感謝", "，祈请回复"]
SMALL = re.compile(r"\b(?:the|a|an|is|are|does|did|do) ", re.IGNORECASE)
POLITE = ["hi, ", "can you tell me ", "please tell me ", "hello! ", "quick one - ", "just wondering, "]


def slip(text, rng):
    """One character dropped, or swapped with the next."""
    if len(text) < 9:
        return text
    i = rng.randrange(1, len(text) - 2)
    return text[:i] + text[i + 1:] if rng.random() < 0.6 else text[:i] + text[i + 1] + text[i] + text[i + 2:]


def letter(text, rng):
    """Rewords a question in letter style."""
    for pattern, formal in LETTERS:
        if rng.random() < 0.7:
            text = re.sub(pattern, rng.choice(formal), text, count=1)
    if rng.random() < 0.4:
        text = rng.choice(SALUTATIONS) + text
    return text.rstrip("？?。 ") + rng.choice(CLOSINGS) if rng.random() < 0.4 else text


def chinese(text, rng):
    if rng.random() < 0.12:
        return letter(text, rng)
    chance = rng.random()
    if chance < 0.2:
        return text.rstrip("？?。 ")
    if chance < 0.35:
        return rng.choice(OPENERS) + text
    if chance < 0.5:
        return text.rstrip("？?。 ") + rng.choice(ENDINGS)
    if chance < 0.85:
        for pattern, spoken in rng.sample(SPOKEN, 5):
            text = re.sub(pattern, rng.choice(spoken), text, count=1)
        return text
    return slip(text, rng)


def english(text, rng):
    chance = rng.random()
    if chance < 0.35:
        return text.lower().rstrip("?. ")
    if chance < 0.6:
        return slip(text, rng)
    if chance < 0.8:
        return SMALL.sub("", text, count=2)
    return rng.choice(POLITE) + text[:1].lower() + text[1:]


def roughen(text, rng=random):
    change = chinese if re.search(r"[\u4e00-\u9fff]", text) else english
    for _ in range(rng.choice((1, 1, 2))):
        text = change(text, rng)
    return text
