"""Read every file below a folder with `ken chunks`, and compare the text with what another reader finds in the file.

    python3 tools/corpora/run.py --ken target/debug/ken DIR [--out TABLE.md] [--json FILE]

Prints one row per format, the reasons for refusals, the parts that failed, and the files whose chunks hold less than 98 % of the
reference's words. The exit status is 1 if a file crashed the reader or timed out, 2 if the run cannot start, otherwise 0.

The references: pdftotext (Debian: poppler-utils) or else pdfminer.six for PDF; the package's XML for DOCX, PPTX, XLSX and ODS;
html2text over the body for HTML. Other formats have no reference. The XML references exclude what Ken excludes by rule: deleted,
struck-out and hidden text, comments, running headers and footers, slide masters. html2text includes navigation and page footers,
pdftotext includes running headers, page numbers and form fields: check a low share of these by hand.

The Python packages of requirements.txt are used if they are installed, otherwise installed into .cache/corpora. Without them, HTML is
not compared.
"""

import argparse
import json
import os
import re
import shutil
import signal
import statistics
import subprocess
import sys
import time
import unicodedata
import zipfile
import zlib
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from xml.etree import ElementTree

HERE = Path(__file__).resolve().parent
ROOT = HERE.parents[1]
CACHE = ROOT / ".cache" / "corpora"
ENDINGS = {
    "md": "md", "markdown": "md", "txt": "txt", "text": "txt", "html": "html", "htm": "html", "xhtml": "html", "pdf": "pdf",
    "docx": "docx", "pptx": "pptx", "xlsx": "xlsx", "ods": "ods", "csv": "csv", "tsv": "tsv", "tab": "tsv", "json": "json",
    "jsonl": "jsonl", "ndjson": "jsonl", "epub": "epub", "eml": "eml", "zip": "zip",
}  # fmt: skip
LIMIT_S = 60
AT_ONCE = 2
FLOOR = 98.0
MAX_LISTED = 60
MAX_SHOWN = 80
MAX_PART_BYTES = 64 << 20
STATES = ("read", "in part", "refused", "crashed", "timed out")


class NoReference(Exception):
    """The format has no reference reader, or the reader failed on this file."""


def use_packages():
    """Installs the packages of requirements.txt if they are missing, and restarts this script with them."""
    try:
        import html2text  # noqa: F401
    except ImportError:
        python = CACHE / "bin" / "python"
        if Path(sys.prefix) == CACHE:
            return
        if not (CACHE / "ready").exists():
            try:
                subprocess.run([sys.executable, "-m", "venv", CACHE], check=True)
                pip = [python, "-m", "pip", "install", "-q", "--disable-pip-version-check", "-r", HERE / "requirements.txt"]
                subprocess.run(pip, check=True)
            except (OSError, subprocess.CalledProcessError) as error:
                print(f"cannot install {HERE / 'requirements.txt'}; HTML is not compared: {error}", file=sys.stderr)
                return
            (CACHE / "ready").touch()
        os.execv(python, [str(python), *sys.argv])


# Ken


def run(command, limit_s):
    """Returns the exit status (None after a timeout), standard output and standard error."""
    child = subprocess.Popen(
        command, cwd=ROOT, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE, start_new_session=True
    )
    try:
        out, err = child.communicate(timeout=limit_s)
    except subprocess.TimeoutExpired:
        # The whole group: the worker process would continue.
        os.killpg(child.pid, signal.SIGKILL)
        child.communicate()
        return None, b"", b""
    return child.returncode, out, err


def read_by_ken(ken, path):
    """Returns the result as a row, and the text of all chunks with their headings and questions."""
    began = time.monotonic()
    status, out, err = run([ken, "chunks", "--json", path], LIMIT_S)
    result = {"seconds": round(time.monotonic() - began, 2), "reason": "", "failed": []}
    texts = {}
    for line in out.decode("utf-8", "replace").split("\n"):
        if line.startswith("failed: "):
            result["failed"].append(line.removeprefix("failed: "))
        elif line.startswith("{"):
            chunk = json.loads(line)
            for text in (*chunk["heading_path"], chunk["question"], chunk["text"]):
                if text:
                    texts[text] = None
    text = "\n".join(texts)
    result["characters"] = sum(not c.isspace() for c in text)
    message = err.decode("utf-8", "replace").strip()
    if status is None:
        result |= {"state": "timed out", "reason": f"more than {LIMIT_S} s"}
    elif status == 0:
        result["state"] = "read"
    elif status == 2 and result["failed"]:
        result["state"] = "in part"
    else:
        result |= {"state": state_of(status, message), "reason": reason_of(message, path) or f"exit status {status}"}
    return result, text


def state_of(status, message):
    """Returns the state of a file that was not read. Out of memory counts as a crash."""
    if "and was stopped" in message:
        return "timed out" if " ms " in message else "crashed"
    if status < 0 or status > 2 or "panicked at" in message or "its reader failed on it" in message:
        return "crashed"
    return "refused"


def reason_of(message, path):
    """Returns Ken's error message without the file's name."""
    return re.sub(r"\s+", " ", message.removeprefix("ken: ").removeprefix(f"{path}: "))


# References


def reference_of(format, path):
    """Returns the text that another reader finds in the file."""
    readers = {"pdf": of_pdf, "docx": of_docx, "pptx": of_pptx, "xlsx": of_xlsx, "ods": of_ods, "html": of_html}
    if format not in readers:
        raise NoReference
    try:
        return readers[format](path)
    except (OSError, KeyError, ValueError, RuntimeError, NotImplementedError, zipfile.BadZipFile, zlib.error) as error:
        raise NoReference(str(error)) from error
    except (EOFError, RecursionError, ElementTree.ParseError) as error:
        raise NoReference(str(error)) from error


def of_pdf(path):
    if shutil.which("pdftotext"):
        command = ["pdftotext", "-q", "-enc", "UTF-8", path, "-"]
    else:
        script = "import sys; from pdfminer.high_level import extract_text; print(extract_text(sys.argv[1]))"
        command = [sys.executable, "-c", script, path]
    status, out, _ = run(command, LIMIT_S)
    if status != 0:
        raise NoReference(f"the PDF reference reader failed with status {status}")
    return out.decode("utf-8", "replace")


class Package:
    """The XML parts of an Office file."""

    def __init__(self, path):
        self.archive = zipfile.ZipFile(path)
        self.names = set(self.archive.namelist())

    def part(self, name):
        info = self.archive.getinfo(name)
        if info.file_size > MAX_PART_BYTES:
            raise NoReference(f"{name} is larger than {MAX_PART_BYTES} bytes")
        return ElementTree.fromstring(self.archive.read(info))

    def parts(self, pattern):
        return [self.part(name) for name in sorted(self.names) if re.fullmatch(pattern, name)]

    def relations(self, name):
        """Target part by relation id."""
        folder, _, file = name.rpartition("/")
        relations = f"{folder}/_rels/{file}.rels"
        if relations not in self.names:
            return {}
        found = {}
        for node in self.part(relations):
            target = node.get("Target", "")
            path = target.lstrip("/") if target.startswith("/") else os.path.normpath(f"{folder}/{target}")
            found[node.get("Id")] = path
        return found


def tag(node):
    return node.tag.rpartition("}")[2] if isinstance(node.tag, str) else ""


def attribute(node, name):
    """An attribute by its local name, in any namespace."""
    return next((value for key, value in node.items() if key.rpartition("}")[2] == name), None)


def is_on(properties, name):
    """Whether a property is present and not switched off."""
    found = [node for node in properties if tag(node) == name]
    return bool(found) and attribute(found[0], "val") not in ("0", "false", "off")


def texts(node, is_excluded=lambda node: False):
    """Returns the text of all `t` elements below a node, one line per paragraph."""
    if is_excluded(node):
        return ""
    if tag(node) == "t":
        return node.text or ""
    if tag(node) in ("tab", "br", "cr"):
        return " "
    text = "".join(texts(child, is_excluded) for child in node)
    return f"{text}\n" if tag(node) == "p" else text


def of_docx(path):
    package = Package(path)
    hidden_styles = set()
    for styles in package.parts(r"word/styles\d*\.xml"):
        for style in styles:
            for properties in (node for node in style if tag(node) == "rPr"):
                if is_on(properties, "vanish"):
                    hidden_styles.add(attribute(style, "styleId"))

    def is_excluded(node):
        # A fallback repeats the content of its alternative; `rt` is the reading above a character.
        if tag(node) in ("del", "moveFrom", "Fallback", "rt"):
            return True
        for properties in (child for child in node if tag(child) in ("rPr", "trPr")):
            if tag(node) == "r" and any(is_on(properties, name) for name in ("vanish", "strike", "dstrike")):
                return True
            if tag(node) == "r" and any(attribute(child, "val") in hidden_styles for child in properties if tag(child) == "rStyle"):
                return True
            if tag(node) == "tr" and any(is_on(properties, name) for name in ("del", "hidden")):
                return True
        return False

    wanted = r"word/(document|footnotes|endnotes)\d*\.xml|word/(diagrams/data|charts/chart)\d*\.xml"
    return "\n".join(texts(part, is_excluded) for part in package.parts(wanted))


def of_pptx(path):
    package = Package(path)
    found = []
    for name in sorted(package.names):
        if not re.fullmatch(r"ppt/slides/[^/]+\.xml", name):
            continue
        slide = package.part(name)
        if slide.get("show") in ("0", "false"):
            continue
        wanted = r"ppt/(notesSlides|diagrams/data|charts/chart)[^/]*(/[^/]+)?\.xml"
        others = [target for target in package.relations(name).values() if re.fullmatch(wanted, target)]
        parts = [slide, *(package.part(target) for target in others if target in package.names)]
        found += [texts(part, is_excluded_on_slide) for part in parts]
    return "\n".join(found)


def is_excluded_on_slide(node):
    """Whether a node is struck out, hidden, a slide's date, footer or number, or the fallback of other content."""
    if tag(node) == "r":
        return any(child.get("strike") in ("sngStrike", "dblStrike") for child in node if tag(child) == "rPr")
    if tag(node) == "sp":
        inner = list(node.iter())
        is_running = any(tag(below) == "ph" and below.get("type") in ("dt", "ftr", "sldNum", "hdr") for below in inner)
        return is_running or any(tag(below) == "cNvPr" and below.get("hidden") in ("1", "true") for below in inner)
    return tag(node) == "Fallback"


def of_xlsx(path):
    package = Package(path)
    shared = []
    for part in package.parts(r"xl/sharedStrings\.xml"):
        # `rPh` is the reading above a character.
        shared += [texts(item, lambda node: tag(node) == "rPh") for item in part if tag(item) == "si"]
    book, relations = package.part("xl/workbook.xml"), package.relations("xl/workbook.xml")
    found = []
    for sheet in (node for node in book.iter() if tag(node) == "sheet"):
        target = relations.get(attribute(sheet, "id"))
        if sheet.get("state") in ("hidden", "veryHidden") or target not in package.names or "/worksheets/" not in target:
            continue
        part = package.part(target)
        hidden = set()
        for column in (node for node in part.iter() if tag(node) == "col" and node.get("hidden") in ("1", "true")):
            hidden |= set(range(int(column.get("min")), int(column.get("max")) + 1))
        for row in (node for node in part.iter() if tag(node) == "row"):
            cells = [] if row.get("hidden") in ("1", "true") else [node for node in row if tag(node) == "c"]
            found += [string_of(cell, shared) for cell in cells if column_of(cell.get("r", "")) not in hidden]
    return "\n".join(found)


def column_of(place):
    """Returns the number of a cell's column, from 1; 0 if the cell has no reference."""
    number = 0
    for letter in re.match("[A-Z]*", place)[0]:
        number = number * 26 + ord(letter) - 64
    return number


def string_of(cell, shared):
    """Returns the string in a cell; nothing for a number."""
    value = next((node.text or "" for node in cell if tag(node) == "v"), "")
    if cell.get("t") == "s" and value.isdecimal() and int(value) < len(shared):
        return shared[int(value)]
    if cell.get("t") == "inlineStr":
        return texts(cell)
    return value if cell.get("t") == "str" else ""


def of_ods(path):
    root = Package(path).part("content.xml")
    hidden = set()
    for style in (node for node in root.iter() if tag(node) == "style"):
        if any(attribute(properties, "display") == "false" for properties in style):
            hidden.add(attribute(style, "name"))
    found = []

    def walk(node):
        is_hidden = attribute(node, "visibility") in ("collapse", "filter") or attribute(node, "style-name") in hidden
        if tag(node) in ("tracked-changes", "annotation") or (is_hidden and tag(node) in ("table", "table-row")):
            return
        found.append(node.text or "")
        if tag(node) in ("s", "tab", "line-break"):
            found.append(" ")
        for child in node:
            walk(child)
            found.append(child.tail or "")
        if tag(node) in ("p", "h"):
            found.append("\n")

    for body in (node for node in root if tag(node) == "body"):
        walk(body)
    return "".join(found)


def of_html(path):
    try:
        import html2text
    except ImportError as error:
        raise NoReference from error
    raw = path.read_bytes()
    if raw.startswith((b"\xff\xfe", b"\xfe\xff")):
        page = raw.decode("utf-16", "replace")
    else:
        named = re.search(rb"(?:charset|encoding)\s*=\s*[\"']?\s*([\w-]+)", raw[:4096])
        try:
            page = raw.decode(named[1].decode() if named else "utf-8")
        except (LookupError, UnicodeDecodeError):
            page = raw.decode("utf-8", "replace")
    body = re.search(r"<body\b.*", page, re.DOTALL | re.IGNORECASE)
    reader = html2text.HTML2Text(bodywidth=0)
    reader.ignore_links = reader.ignore_images = True
    try:
        return reader.handle(body[0] if body else page)
    except (AssertionError, IndexError, TypeError) as error:
        raise NoReference(str(error)) from error


# The measure


def normal(text):
    """Folds full width, ligatures, superscripts and case; removes soft hyphens and zero-width characters."""
    text = re.sub("[\u00ad\u200b-\u200f\u2060\ufeff]", "", text)
    return unicodedata.normalize("NFKC", text).casefold()


UNSPACED = re.compile("[\u3040-\u30ff\u3400-\u4dbf\u4e00-\u9fff\U00020000-\U0003ffff]+")


def words_of(text):
    """Returns the distinct words in order: runs of letters and digits; for Han and kana every pair of neighbouring characters."""
    words = {}
    for run_of_letters in re.findall(r"[^\W_]+", normal(text)):
        at = 0
        for found in UNSPACED.finditer(run_of_letters):
            words[run_of_letters[at : found.start()]] = None
            for i in range(max(1, len(found[0]) - 1)):
                words[found[0][i : i + 2]] = None
            at = found.end()
        words[run_of_letters[at:]] = None
    words.pop("", None)
    return list(words)


def missing_from(text, words):
    """Returns the words that are not in the text. White space and signs between letters are ignored."""
    known = set(words_of(text))
    letters = re.sub(r"[\W_]+", "", normal(text))
    return [word for word in words if word not in known and word not in letters]


def measure(ken, folder, path):
    format = ENDINGS[path.suffix[1:].lower()]
    result, text = read_by_ken(ken, path)
    result |= {"file": str(path.relative_to(folder)), "format": format, "bytes": path.stat().st_size}
    result |= {"share": None, "reference_words": None, "missing": []}
    try:
        words = words_of(reference_of(format, path))
    except NoReference as error:
        result["reference_error"] = str(error)
        return result
    result["reference_words"] = len(words)
    if words and result["state"] in ("read", "in part"):
        result["missing"] = missing_from(text, words)
        result["share"] = 100 * (1 - len(result["missing"]) / len(words))
    return result


# The table


def table(results):
    lines = ["| format | files | " + " | ".join(STATES) + f" | median s | max s | compared | median share | below {FLOOR:.0f} % |"]
    lines.append("|---|" + "--:|" * 11)
    formats = [f for f in dict.fromkeys(ENDINGS.values()) if any(r["format"] == f for r in results)]
    for format in [*formats, "all"]:
        rows = [r for r in results if format in (r["format"], "all")]
        counts = [sum(r["state"] == state for r in rows) for state in STATES]
        seconds = [r["seconds"] for r in rows]
        shares = [r["share"] for r in rows if r["share"] is not None]
        cells = [format, len(rows), *counts, f"{statistics.median(seconds):.2f}", f"{max(seconds):.1f}", len(shares)]
        cells += [f"{statistics.median(shares):.1f} %", sum(s < FLOOR for s in shares)] if shares else ["", ""]
        lines.append("| " + " | ".join(map(str, cells)) + " |")
    return lines


def refusals(results):
    """Returns one row per reason, with the number of files in which the reference reader finds words."""
    by_reason = {}
    for r in (r for r in results if r["state"] == "refused"):
        by_reason.setdefault((r["format"], re.sub(r"\d+", "N", r["reason"])[:120]), []).append(r)
    lines = ["| format | refused because | files | with words in the reference | for example |", "|---|---|--:|--:|---|"]
    for (format, why), rows in sorted(by_reason.items(), key=lambda item: -len(item[1])):
        example = next((r for r in rows if r["reference_words"]), rows[0])
        cells = [format, cell(why), len(rows), sum(bool(r["reference_words"]) for r in rows), cell(example["file"])]
        lines.append("| " + " | ".join(map(str, cells)) + " |")
    return lines if by_reason else []


def worst(results):
    """Returns a row for each file that crashed or timed out, then for each one below the floor, lowest share first."""
    failed = [r for r in results if r["state"] in ("crashed", "timed out")]
    low = [r for r in results if r["share"] is not None and r["share"] < FLOOR]
    low.sort(key=lambda r: (r["share"], -len(r["missing"])))
    if not failed and not low:
        return []
    lines = ["| share | missing words | file | what is missing |", "|--:|--:|---|---|"]
    for r in [*failed, *low][:MAX_LISTED]:
        if r["share"] is None:
            lines.append(f"| {r['state']} | | {cell(r['file'])} | {cell(r['reason'][:MAX_SHOWN])} |")
        else:
            shown = cell(" ".join(r["missing"])[:MAX_SHOWN])
            lines.append(f"| {r['share']:.1f} % | {len(r['missing'])} | {cell(r['file'])} | {shown} |")
    if len(failed) + len(low) > MAX_LISTED:
        lines.append(f"\n{len(failed) + len(low) - MAX_LISTED} more are not listed; --json has them all.")
    return lines


def cell(text):
    return re.sub(r"\s+", " ", text).replace("|", "\\|")


def main():
    options = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    options.add_argument("folder", metavar="DIR", type=Path)
    default = ROOT / "target" / "debug" / "ken"
    options.add_argument("--ken", type=Path, default=default, help="the program, with ken-read in the same folder")
    options.add_argument("--out", type=Path, metavar="TABLE.md", help="also write the tables to this file")
    options.add_argument("--json", type=Path, metavar="FILE", help="write one JSON object per file, with all missing words")
    given = options.parse_args()
    folder, ken = given.folder.resolve(), given.ken.resolve()
    for program in (ken, ken.with_name("ken-read")):
        if not program.is_file():
            print(f"{program} does not exist; build it with `cargo build`", file=sys.stderr)
            return 2
    paths = sorted(p for p in folder.rglob("*") if p.is_file() and not p.is_symlink() and p.suffix[1:].lower() in ENDINGS)
    if not paths:
        print(f"no file below {folder} has an ending that Ken reads", file=sys.stderr)
        return 2
    use_packages()
    results = []
    with ThreadPoolExecutor(AT_ONCE) as pool:
        for result in pool.map(lambda path: measure(ken, folder, path), paths):
            results.append(result)
            if len(results) % 100 == 0:
                print(f"{len(results)} of {len(paths)} files", file=sys.stderr, flush=True)
    failed = [f"- {cell(r['file'])}: {len(r['failed'])} failed: {cell(r['failed'][0])[:160]}" for r in results if r["failed"]]
    parts = [table(results), refusals(results), failed, worst(results)]
    report = "\n\n".join("\n".join(lines) for lines in parts if lines) + "\n"
    print(report, end="")
    if given.out:
        given.out.write_text(report, encoding="utf-8")
    if given.json:
        with given.json.open("w", encoding="utf-8") as out:
            out.writelines(json.dumps(r, ensure_ascii=False) + "\n" for r in results)
    return int(any(r["state"] in ("crashed", "timed out") for r in results))


if __name__ == "__main__":
    sys.exit(main())
