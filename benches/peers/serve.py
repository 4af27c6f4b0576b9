"""Serves one of the peers with FastAPI, as its own documentation recommends: `serve.py NAME PORT`.

POST /index takes [{"id", "text"}], POST /search takes {"question", "limit"} and returns ids, GET /ready says 200.
All use Ken's encoder (encoder.py); everything else is each system's default.
"""

import sys

from fastapi import FastAPI
from pydantic import BaseModel

from encoder import Encoder

ENCODER = Encoder()


class Document(BaseModel):
    id: str
    text: str


class Asked(BaseModel):
    question: str
    limit: int = 10


class Chroma:
    """Dense search (HNSW); its open-source server has no keyword search."""

    def __init__(self):
        import chromadb

        client = chromadb.EphemeralClient(chromadb.Settings(anonymized_telemetry=False))
        self.collection = client.create_collection("docs", metadata={"hnsw:space": "cosine"})

    def index(self, documents):
        texts = [d.text for d in documents]
        vectors = ENCODER.passages(texts)
        self.collection.add([d.id for d in documents], vectors.tolist(), documents=texts)

    def search(self, asked):
        vector = ENCODER.question(asked.question).tolist()
        return self.collection.query([vector], n_results=asked.limit)["ids"][0]


class Lance:
    """Hybrid: full-text index and vectors, fused by its reciprocal rank fusion."""

    def __init__(self):
        import tempfile

        import lancedb

        self.db = lancedb.connect(tempfile.mkdtemp())
        self.table = None

    def index(self, documents):
        texts = [d.text for d in documents]
        rows = [
            {"id": d.id, "text": d.text, "vector": vector}
            for d, vector in zip(documents, ENCODER.passages(texts))
        ]
        if self.table is None:
            self.table = self.db.create_table("docs", rows)
        else:
            self.table.add(rows)
        self.table.create_fts_index("text", replace=True)

    def search(self, asked):
        from lancedb.rerankers import RRFReranker

        query = self.table.search(query_type="hybrid").vector(ENCODER.question(asked.question))
        found = query.text(asked.question).rerank(RRFReranker()).limit(asked.limit)
        return [row["id"] for row in found.to_list()]


class Haystack:
    """A pipeline's usual parts: BM25 and embedding retrieval in memory, joined by reciprocal rank fusion."""

    def __init__(self):
        from haystack.components.joiners import DocumentJoiner
        from haystack.components.retrievers.in_memory import (
            InMemoryBM25Retriever,
            InMemoryEmbeddingRetriever,
        )
        from haystack.document_stores.in_memory import InMemoryDocumentStore

        self.store = InMemoryDocumentStore(embedding_similarity_function="cosine")
        self.words = InMemoryBM25Retriever(self.store)
        self.vectors = InMemoryEmbeddingRetriever(self.store)
        self.joiner = DocumentJoiner(join_mode="reciprocal_rank_fusion")

    def index(self, documents):
        from haystack import Document as HaystackDocument

        vectors = ENCODER.passages([d.text for d in documents])
        self.store.write_documents(
            [
                HaystackDocument(id=d.id, content=d.text, embedding=vector.tolist())
                for d, vector in zip(documents, vectors)
            ]
        )

    def search(self, asked):
        vector = ENCODER.question(asked.question).tolist()
        lists = [
            self.words.run(query=asked.question, top_k=50)["documents"],
            self.vectors.run(query_embedding=vector, top_k=50)["documents"],
        ]
        return [d.id for d in self.joiner.run(documents=lists, top_k=asked.limit)["documents"]]


class Txtai:
    """Hybrid: its BM25 and its vectors, half each."""

    def __init__(self):
        from txtai import Embeddings

        def transform(inputs):
            return ENCODER.passages(inputs)

        self.embeddings = Embeddings(method="external", transform=transform, hybrid=True)

    def index(self, documents):
        self.embeddings.index([(d.id, d.text, None) for d in documents])

    def search(self, asked):
        return [uid for uid, _ in self.embeddings.search(asked.question, asked.limit)]


class Usearch:
    """The bare engine: vectors only."""

    def __init__(self):
        from usearch.index import Index

        self.engine = Index(ndim=ENCODER.dimension, metric="cos", dtype="f16")
        self.ids = []

    def index(self, documents):
        import numpy as np

        first = len(self.ids)
        self.ids += [d.id for d in documents]
        vectors = ENCODER.passages([d.text for d in documents])
        self.engine.add(np.arange(first, len(self.ids)), vectors)

    def search(self, asked):
        found = self.engine.search(ENCODER.question(asked.question), asked.limit)
        return [self.ids[key] for key in found.keys]


class Tantivy:
    """The bare engine: keywords only, with characters and pairs of characters for Chinese. No encoder."""

    def __init__(self):
        import tantivy

        builder = tantivy.SchemaBuilder()
        builder.add_text_field("id", stored=True, tokenizer_name="raw")
        builder.add_text_field("text", tokenizer_name="whitespace")
        self.engine = tantivy.Index(builder.build())

    @staticmethod
    def terms(text):
        import re

        terms = []
        for run in re.findall(r"[a-z0-9]+|[\u3400-\u9fff]+", text.lower()):
            if run[0] < "\u3400":
                terms.append(run)
            else:
                terms += list(run) + [run[i : i + 2] for i in range(len(run) - 1)]
        return terms

    def index(self, documents):
        import tantivy

        writer = self.engine.writer()
        for d in documents:
            writer.add_document(tantivy.Document(id=d.id, text=" ".join(self.terms(d.text))))
        writer.commit()
        self.engine.reload()

    def search(self, asked):
        import tantivy

        terms = self.terms(asked.question)
        words = [
            (tantivy.Occur.Should, tantivy.Query.term_query(self.engine.schema, "text", term))
            for term in set(terms)
        ]
        searcher = self.engine.searcher()
        hits = searcher.search(tantivy.Query.boolean_query(words), asked.limit).hits
        return [searcher.doc(address)["id"][0] for _, address in hits]


SYSTEMS = {
    "chroma": Chroma,
    "lancedb": Lance,
    "haystack": Haystack,
    "txtai": Txtai,
    "usearch": Usearch,
    "tantivy": Tantivy,
}


def main():
    import uvicorn

    system = SYSTEMS[sys.argv[1]]()
    app = FastAPI()

    @app.get("/ready")
    def ready():
        return True

    @app.post("/index")
    def index(documents: list[Document]):
        system.index(documents)
        return len(documents)

    @app.post("/search")
    def search(asked: Asked):
        return system.search(asked)

    uvicorn.run(app, host="127.0.0.1", port=int(sys.argv[2]), log_level="error")


if __name__ == "__main__":
    main()
