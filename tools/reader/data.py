"""Reading examples for training, from passages with questions: own ones and public sets.

    python data.py --own DIR [--mirror DIR] --out FOLDER

--own      folder of *.jsonl as in corpus/reading (its README has the format)
--mirror   folder of bare clones, OWNER+NAME/repo, of the public repositories in PUBLIC; sets that are absent are
           left out and named
--out      receives train.jsonl and held-out.jsonl, shuffled, one example a line:
           {"q": question, "p": passage, "y": 0 or 1, "s": start, "e": end, "source": …, "kind": …}
           start and end are character offsets of the answer in the passage, -1 where y is 0.

A passage is what the service feeds the reader: the title, a line break, then text of at most some 90 tokens.
Eighths of the own passages, by family (the id without its last number), are held out.
"""

import argparse
import collections
import functools
import hashlib
import io
import json
import math
import random
import re
import subprocess
import zipfile
from pathlib import Path

from opencc import OpenCC

from roughen import roughen

TO_TRADITIONAL, TO_SIMPLIFIED = OpenCC("s2twp").convert, OpenCC("tw2sp").convert
# The longest passage, in tokens as estimated by `width`: the length that the service reads (`answer/window.rs`).
WINDOW = 90
HELD_OUT = 8

# Repository and commit or branch, files, share of --public. Licences: docs/concepts/reader.md.
MLQA = "data/mlqa/MLQA_V1/dev/dev-context-{}-question-{}.json"
PUBLIC = {
    "cmrc": ("cingtiye+Chinese_question_sentence_judgment", "HEAD", ["data/cmrc2018_public.zip"], 0.4),
    "policyqa": ("wasiahmad+PolicyQA", "HEAD", ["data/dev.json", "data/test.json"], 0.1),
    "covidqa": ("deepset-ai+COVID-QA", "HEAD", ["data/question-answering/200423_covidQA.json"], 0.05),
    "squad": ("PhongNTDo+guide_train_MRC_transformers", "HEAD", ["train-v2.0.json"], 0.2),
    "mlqa": ("wuhjie+few_shots_that_matters_wu", "6bfe6324",
             [MLQA.format(*pair) for pair in (("zh", "en"), ("en", "zh"), ("zh", "zh"), ("en", "en"))], 0.25),
}
# A set with questions that the passage does not answer; all of them are used.
PAIRS = ("haichao592+UnAnsQ", "QG/dev-{}.txt", ("context", "answerable-questions", "unanswerable-questions"))
MIRACL = ("project-miracl+nomiracl", "results/baselines/non_relevant/{}.test.vanilla_prompt.jsonl")
CLAPNQ = ("primeqa+clapnq", "annotated_data/dev/clapnq_dev_{}.jsonl")


def width(text):
    """Estimated tokens: two thirds per Han character, a quarter per other character."""
    return sum(0.67 if ord(c) > 0x2E80 else 0.26 for c in text)


@functools.cache
def words(text):
    """Pairs of Han (simplified) and runs of letters or digits."""
    found = set()
    for run in re.findall(r"[\u3400-\u9fff]+|[a-z0-9]+", TO_SIMPLIFIED(text.lower())):
        found |= {run[i:i + 2] for i in range(len(run) - 1)} if run[0] > "\u3000" else {run}
    return frozenset(found)


def lines(text):
    """[(start, end)] of the lines of a table or list, or else of the sentences."""
    if text.count("\n") >= 4 or "\n|" in text or text.startswith("|"):
        pattern = r"[^\n]+"
    else:
        pattern = r"[^。！？；\n.!?]*(?:[。！？；\n!?]+|\.(?=\s|$))|[^\n]+$"
    return [m.span() for m in re.finditer(pattern, text) if m.group().strip()]


def is_row(text):
    return text.strip().startswith("|")


class Passage:
    """A text with its units, as the service cuts it: a table's header stays with its rows."""

    def __init__(self, title, text, family, language, kind, source):
        rule = re.compile(r"(?m)^\|[-:| ]+\|[ ]*\n")
        self.rules = [m.span() for m in rule.finditer(text)]
        self.original = text
        self.title, self.text = title, rule.sub("", text)
        self.family, self.language, self.kind, self.source = family, language, kind, source
        self.units = lines(self.text)
        self.words = words(title + " " + text)

    def place(self, answer):
        """The position of the answer, or None."""
        at = self.text.find(answer)
        return None if at < 0 else (at, at + len(answer))

    def header_of(self, unit):
        """The first row of the table that a unit is a row of, or None."""
        if not is_row(self.text[slice(*self.units[unit])]):
            return None
        first = unit
        while first > 0 and is_row(self.text[slice(*self.units[first - 1])]):
            first -= 1
        return first

    def window(self, around, budget, rng):
        """(text, offset of `around`) of the units that hold it, grown on both sides to the budget, rows under
        their header."""
        held = [i for i, (a, b) in enumerate(self.units) if a < around[1] and b > around[0]] or [0]
        low, high = held[0], held[-1]
        size = sum(width(self.text[a:b]) for a, b in self.units[low:high + 1])
        while True:
            sides = [i for i in (low - 1, high + 1) if 0 <= i < len(self.units)]
            rng.shuffle(sides)
            for side in sides:
                more = width(self.text[slice(*self.units[side])])
                if size + more <= budget:
                    low, high, size = min(low, side), max(high, side), size + more
                    break
            else:
                break
        start, end = self.units[low][0], self.units[high][1]
        header = self.header_of(low)
        above = ""
        if header is not None and header < low:
            above = self.text[slice(*self.units[header])].rstrip() + "\n"
        return above + self.text[start:end], around[0] - start + len(above)

    def without(self, answer):
        """The text without the units that hold the answer; None if little is left or the answer still occurs in it."""
        kept = [self.text[a:b] for a, b in self.units if answer not in self.text[a:b]]
        if len(kept) == len(self.units) or len(kept) < 2:
            return None
        joint = "\n" if self.text.count("\n") >= 2 else ""
        left = joint.join(piece.strip("\n") for piece in kept)
        return left if len(left) > 40 and answer not in left else None


class Neighbours:
    """Passages by the words they share with a question, weighed by rarity."""

    def __init__(self, passages):
        self.passages = passages
        count = collections.Counter(word for passage in passages for word in passage.words)
        self.weight = {word: math.log(1 + len(passages) / n) for word, n in count.items()}
        self.holding = collections.defaultdict(list)
        for i, passage in enumerate(passages):
            for word in passage.words:
                if count[word] <= len(passages) // 5:
                    self.holding[word].append(i)

    def near(self, question, own, n=3):
        score = collections.Counter()
        for word in words(question):
            for i in self.holding.get(word, ()):
                score[i] += self.weight[word]
        best = (self.passages[i] for i, _ in score.most_common(n + 20))
        return [p for p in best if p.family != own.family][:n]


def example(question, passage, rng, answer=None, *, train, kind, text=None, convert=None, keep_title=False):
    """One line of the output; None if the answer cannot be located."""
    title = passage.title
    if train and not keep_title and rng.random() < 0.12:
        title = ""
    start = end = -1
    if text is None:
        text = passage.text
        budget = rng.choice((40, 55, 70, WINDOW, WINDOW)) if train else WINDOW
        place = passage.place(answer) if answer else None
        if answer and place is None:
            return None
        if width(text) > budget:
            asked = words(question)
            overlap = [len(asked & words(text[a:b])) + 0.3 * rng.random() for a, b in passage.units]
            around = place or passage.units[max(range(len(overlap)), key=overlap.__getitem__)]
            text, offset = passage.window(around, budget, rng)
            if answer:
                start, end = offset, offset + len(answer)
        elif answer:
            start, end = place
    head = f"{title}\n" if title else ""
    if convert:
        if answer:
            before, held, after = text[:start], text[start:end], text[end:]
            before, held = convert(head + before), convert(held)
            text, start, end = before + held + convert(after), len(before), len(before) + len(held)
        else:
            text = convert(head + text)
        if rng.random() < 0.5:
            question = convert(question)
    else:
        text = head + text
        if answer:
            start, end = start + len(head), end + len(head)
    if train and rng.random() < 0.4:
        question = roughen(question, rng)
    return {"q": question, "p": text, "y": int(bool(answer)), "s": start, "e": end,
            "source": passage.source, "kind": kind}


def faults(row):
    """The faults of a line of an own file, as sentences."""
    for name in ("id", "lang", "kind", "title", "passage", "answerable", "near_miss"):
        if name not in row:
            yield f"expected a field {name!r}"
            return
    if row["lang"] not in ("zh-Hant", "zh-Hans", "en"):
        yield f"expected zh-Hant, zh-Hans or en as lang, found {row['lang']!r}"
    for question in row["answerable"]:
        if not question.get("answer") or question["answer"] not in row["passage"]:
            yield f"the answer to {question['q']!r} does not stand in the passage"


def read_own(folder):
    """[(passage, [answerable], [near miss])], all as in the files."""
    found = []
    for path in sorted(folder.glob("*.jsonl")):
        for line in path.read_text("utf-8").splitlines():
            if not line.strip():
                continue
            row = json.loads(line)
            for fault in faults(row):
                raise SystemExit(f"{path.name}: {row.get('id')}: {fault}")
            family = path.stem + "/" + re.sub(r"-\d+$", "", row["id"])
            passage = Passage(row["title"], row["passage"], family, row["lang"], row["kind"], "own-" + path.stem[0])
            found.append((passage, row["answerable"], row["near_miss"]))
    return found


def asked(question):
    """A question after the customer's earlier ones, joined as by the service."""
    return " ".join([*question.get("history", []), question["q"]])


def own_examples(rows, rng, train):
    neighbours = Neighbours([passage for passage, _, _ in rows])
    for passage, answerable, near_misses in rows:
        convert = {"zh-Hant": TO_SIMPLIFIED, "zh-Hans": TO_TRADITIONAL}.get(passage.language)
        for question in answerable:
            text, answer = asked(question), question["answer"]
            # An answer across a table's separator line does not occur in the text that the reader gets.
            yield example(text, passage, rng, answer, train=train, kind="answers:" + question["style"])
            if train and convert and rng.random() < 0.2:
                yield example(text, passage, rng, answer, train=train, kind="answers", convert=convert)
            others = neighbours.near(question["q"], passage)
            if others and (not train or rng.random() < 0.35):
                other = rng.choice(others) if train else others[0]
                yield example(text, other, rng, train=train, kind="other", keep_title=True)
            if train and rng.random() < 0.35 and not question.get("history"):
                left = passage.without(answer)
                if left and width(left) <= WINDOW:
                    yield example(text, passage, rng, train=train, kind="removed", text=left, keep_title=True)
        for question in near_misses:
            kind = "near:" + question["why"]
            yield example(asked(question), passage, rng, train=train, kind=kind, keep_title=True)
            if train and convert and rng.random() < 0.2:
                yield example(asked(question), passage, rng, train=train, kind="near", convert=convert, keep_title=True)


def show(mirror, repository, path, commit="HEAD"):
    found = subprocess.run(["git", "-C", str(mirror / repository / "repo"), "show", f"{commit}:{path}"],
                           capture_output=True, check=False)
    return found.stdout if found.returncode == 0 else None


def squad(raw, name):
    """[(passage, [(question, answer)])] of a file in SQuAD's layout, or CMRC's with one."""
    rows = []
    for i, article in enumerate(raw["data"] if isinstance(raw, dict) else raw):
        for j, paragraph in enumerate(article.get("paragraphs", [article])):
            text = paragraph.get("context") or paragraph.get("context_text") or ""
            questions = []
            for qa in paragraph.get("qas", []):
                question = qa.get("question") or qa.get("query_text")
                answers = qa.get("answers") or []
                answer = answers[0]["text"] if answers and isinstance(answers[0], dict) else (answers or [None])[0]
                if question and answer and answer in text:
                    questions.append((question, answer))
            language = "zh-Hans" if re.search("[\u4e00-\u9fff]{4}", text) else "en"
            title = article.get("title") or ""
            passage = Passage(title if isinstance(title, str) else "", text, f"{name}/{i}/{j}", language, "prose", name)
            rows.append((passage, questions))
    return rows


def read_public(mirror, say):
    found = {}
    for name, (repository, commit, paths, _) in PUBLIC.items():
        rows = []
        for path in paths:
            raw = show(mirror, repository, path, commit) if mirror else None
            if raw is None:
                continue
            if path.endswith(".zip"):
                with zipfile.ZipFile(io.BytesIO(raw)) as archive:
                    inner = [n for n in archive.namelist() if n.endswith("train.json") and "__MACOSX" not in n]
                    raw = archive.read(inner[0])
            rows += squad(json.loads(raw), name)
        say(f"{name}: {sum(len(q) for _, q in rows)} questions" if rows else f"{name}: absent")
        found[name] = rows
    return found


def loosened(text):
    """Text that was split into words, in normal spelling."""
    text = re.sub(r" ([.,:;?!)%\]])| (n't|'s|'re|'ve|'ll|'d|'m)\b", r"\1\2", text)
    return re.sub(r"([(\[$]) ", r"\1", text).replace("`` ", '"').replace(" ''", '"')


def unanswered(mirror, say):
    """[(passage, question, answer or None)] of the sets with unanswerable questions."""
    rows = []
    repository, path, names = PAIRS
    parts = [show(mirror, repository, path.format(name)) for name in names]
    if all(parts):
        contexts, *sides = (part.decode().splitlines() for part in parts)
        for i, (context, answered, without) in enumerate(zip(contexts, *sides)):
            words = context.split("\t")[0].split(" ")
            _, question, start, end = answered.split("\t")
            answer = loosened(" ".join(words[int(start):int(end) + 1]))
            passage = Passage("", loosened(" ".join(words)), f"pairs/{i}", "en", "prose", "pairs")
            rows.append((passage, loosened(question), answer))
            rows.append((passage, loosened(without.split("\t")[1]), None))
    say(f"pairs: {len(rows)} questions")
    n = len(rows)
    for language in ("zh", "en"):
        raw = show(mirror, MIRACL[0], MIRACL[1].format(language)) or b""
        for i, line in enumerate(raw.decode().splitlines()):
            prompt = json.loads(line)["prompt"]
            question = re.search(r"QUESTION:\s*(.+)", prompt).group(1).strip()
            contexts = re.findall(r"(?m)^\[\d+\] ([^:\n]{1,80}): (.+)$", prompt)
            script = "zh-Hans" if language == "zh" else "en"
            for title, text in contexts[:6]:
                passage = Passage(title, text, f"miracl/{language}/{i}", script, "prose", "miracl")
                rows.append((passage, question, None))
    say(f"miracl: {len(rows) - n} questions")
    n = len(rows)
    for kind in ("answerable", "unanswerable"):
        raw = show(mirror, CLAPNQ[0], CLAPNQ[1].format(kind)) or b""
        for i, line in enumerate(raw.decode().splitlines()):
            row = json.loads(line)
            held = row["passages"][0]
            passage = Passage(held["title"], loosened(held["text"]), f"clapnq/{kind}/{i}", "en", "prose", "clapnq")
            chosen = row["output"][0].get("selected_sentences") or [None]
            answer = loosened(chosen[0]) if kind == "answerable" and chosen[0] else None
            if answer is None and kind == "answerable":
                continue
            rows.append((passage, row["input"], answer))
    say(f"clapnq: {len(rows) - n} questions")
    return rows


def unanswered_examples(rows, rng):
    for passage, question, answer in rows:
        convert = TO_TRADITIONAL if passage.language == "zh-Hans" and rng.random() < 0.5 else None
        kind = "answers" if answer else ("other" if passage.source == "miracl" else "near")
        yield example(question, passage, rng, answer, train=True, kind=kind, convert=convert)


def public_examples(rows, rng):
    """Examples per passage of encyclopaedias and newspapers: unchanged, without the answer's sentence, and another passage."""
    neighbours = Neighbours([passage for passage, _ in rows])
    for passage, questions in rows:
        for question, answer in questions:
            convert = TO_TRADITIONAL if passage.language == "zh-Hans" and rng.random() < 0.5 else None
            yield example(question, passage, rng, answer, train=True, kind="answers", convert=convert)
            chance = rng.random()
            left = passage.without(answer) if chance < 0.55 else None
            if left:
                part = Passage(passage.title, left, passage.family, passage.language, "prose", passage.source)
                yield example(question, part, rng, train=True, kind="removed", convert=convert)
            elif chance < 0.85:
                others = [p for p in neighbours.near(question, passage) if answer not in p.text]
                if others:
                    yield example(question, rng.choice(others), rng, train=True, kind="other", convert=convert)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--own", type=Path, required=True)
    parser.add_argument("--mirror", type=Path)
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--public", type=int, default=6000, help="how many public questions, at most")
    parser.add_argument("--seed", type=int, default=23, help="another draw of windows, wording and public questions")
    parser.add_argument("--without", default="", help="own files to leave out, by their first letters")
    arguments = parser.parse_args()
    rng = random.Random(arguments.seed)
    rows = [row for row in read_own(arguments.own) if row[0].source[-1] not in arguments.without]

    def held(row):
        return int(hashlib.sha256(row[0].family.encode()).hexdigest(), 16) % HELD_OUT == 0

    train = list(own_examples([row for row in rows if not held(row)], rng, True))
    held_out = list(own_examples([row for row in rows if held(row)], rng, False))
    print(f"own: {len(rows)} passages")
    public = read_public(arguments.mirror, print)
    for name, found in public.items():
        if not found:
            continue
        questions = [(p, [q]) for p, qs in found for q in qs]
        rng.shuffle(questions)
        share = PUBLIC[name][3]
        train += public_examples(questions[:int(arguments.public * share)], rng)
    if arguments.mirror:
        train += unanswered_examples(unanswered(arguments.mirror, print), rng)
    arguments.out.mkdir(parents=True, exist_ok=True)
    for name, examples in (("train", train), ("held-out", held_out)):
        examples = [e for e in examples if e]
        rng.shuffle(examples)
        with open(arguments.out / f"{name}.jsonl", "w", encoding="utf-8") as file:
            file.writelines(json.dumps(e, ensure_ascii=False) + "\n" for e in examples)
        kinds = collections.Counter((e["y"], e["kind"].split(":")[0]) for e in examples)
        print(name, len(examples), dict(sorted(kinds.items())))


if __name__ == "__main__":
    main()
