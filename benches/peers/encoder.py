"""Ken's encoder for other systems: the same ONNX files, prefixes, pooling and shares, on the same runtime.

Only the batching differs from Ken's, since each system calls it like any encoder.
"""

import json
import os
from pathlib import Path

import numpy as np
import onnxruntime
from tokenizers import Tokenizer

MODELS = Path(os.environ.get("MODELS", Path(__file__).parents[2] / "models"))
# As in Ken's settings: E5's cosines are close together, USE's far apart.
PARTS = (("multilingual-e5-small-zh-en", 6.0), ("use-multilingual-v3", 1.0))


class Part:
    def __init__(self, name, threads):
        folder = MODELS / name
        self.about = json.loads((folder / "encoder.json").read_text())
        self.tokenizer = Tokenizer.from_file(str(folder / "tokenizer.json"))
        self.tokenizer.enable_truncation(self.about["max_length"])
        self.tokenizer.enable_padding()
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = threads
        self.session = onnxruntime.InferenceSession(str(folder / "model.onnx"), options)
        self.inputs = {i.name for i in self.session.get_inputs()}

    def encode(self, texts, prefix):
        encoded = self.tokenizer.encode_batch([self.about[prefix] + text for text in texts])
        ids = np.array([e.ids for e in encoded], dtype=np.int64)
        mask = np.array([e.attention_mask for e in encoded], dtype=np.int64)
        feed = {"input_ids": ids, "attention_mask": mask, "token_type_ids": np.zeros_like(ids)}
        states = self.session.run(None, {k: v for k, v in feed.items() if k in self.inputs})[0]
        if states.ndim == 3:
            if self.about["pooling"] == "mean":
                weights = mask[:, :, None].astype(np.float32)
                states = (states * weights).sum(1) / weights.sum(1)
            else:
                states = states[:, 0]
        return states / np.linalg.norm(states, axis=1, keepdims=True)


class Encoder:
    def __init__(self, threads=os.cpu_count()):
        self.parts = [(Part(name, threads), share) for name, share in PARTS]
        self.total = sum(share for _, share in PARTS)
        self.dimension = sum(part.about["dimension"] for part, _ in self.parts)

    def _encode(self, texts, prefix):
        scaled = [
            part.encode(texts, prefix) * np.sqrt(share / self.total) for part, share in self.parts
        ]
        return np.concatenate(scaled, axis=1).astype(np.float32)

    def passages(self, texts, batch=16):
        # Texts of similar length are batched together, as in Ken.
        order = sorted(range(len(texts)), key=lambda i: len(texts[i]))
        out = np.empty((len(texts), self.dimension), dtype=np.float32)
        for at in range(0, len(order), batch):
            some = order[at : at + batch]
            out[some] = self._encode([texts[i] for i in some], "passage_prefix")
        return out

    def question(self, text):
        return self._encode([text], "query_prefix")[0]
