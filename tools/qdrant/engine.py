"""Serves Qdrant's own storage and search engine (qdrant-edge-py) over the part of Qdrant's protocol that Ken uses.

It is not a Qdrant server: it has no cluster, no replication and no snapshots. Filters, scores, updates, deletions, paging and
indexing are Qdrant's own code. `engine.py PORT FOLDER`; graphs are built after every 200 points, so that they are used.
"""

import shutil
import sys
import threading
import uuid
from concurrent import futures
from pathlib import Path

import grpc
import qdrant_edge as edge
from qdrant_client.grpc import (
    collections_pb2 as c,
    collections_service_pb2_grpc as collections,
    points_pb2 as p,
    points_service_pb2_grpc as points,
    qdrant_common_pb2 as common,
    qdrant_pb2 as q,
    qdrant_pb2_grpc as root,
)
from qdrant_client.conversions.conversion import GrpcToRest, RestToGrpc

# The number of written points after which the graphs are updated.
STALE = 200
# In kilobytes: a larger segment gets a graph, and a search uses it.
GRAPH_FROM_KB = 10

FIELD_KINDS = {
    p.FieldTypeKeyword: edge.PayloadSchemaType.Keyword,
    p.FieldTypeInteger: edge.PayloadSchemaType.Integer,
}


class Unknown(Exception):
    pass


def id_in(point_id):
    return uuid.UUID(point_id.uuid) if point_id.HasField("uuid") else point_id.num


def id_out(point_id):
    if isinstance(point_id, int):
        return common.PointId(num=point_id)
    return common.PointId(uuid=str(point_id))


def condition(of):
    kind = of.WhichOneof("condition_one_of")
    if kind == "has_id":
        return edge.HasIdCondition({id_in(i) for i in of.has_id.has_id})
    if kind == "filter":
        return filter_in(of.filter)
    if kind != "field":
        raise Unknown(f"condition {kind}")
    field = of.field
    if field.HasField("range"):
        r = field.range
        bounds = {name: getattr(r, name) for name in ("gt", "gte", "lt", "lte") if r.HasField(name)}
        return edge.FieldCondition(field.key, range=edge.RangeFloat(**bounds))
    match = field.match.WhichOneof("match_value")
    if match == "keywords":
        return edge.FieldCondition(field.key, match=edge.MatchAny(list(field.match.keywords.strings)))
    if match == "integers":
        return edge.FieldCondition(field.key, match=edge.MatchAny(list(field.match.integers.integers)))
    raise Unknown(f"match by {match}")


def filter_in(of):
    parts = {
        name: [condition(one) for one in getattr(of, name)] or None
        for name in ("must", "should", "must_not")
    }
    return edge.Filter(**parts)


class Collection:
    def __init__(self, made, folder):
        params = made.vectors_config.params
        self.made = made
        self.folder = folder
        self.fields = {}
        self.n_stale = 0
        hnsw = made.hnsw_config
        self.shard = edge.EdgeShard.create(
            str(folder),
            edge.EdgeConfig(
                vectors=edge.EdgeVectorParams(params.size, {c.Dot: edge.Distance.Dot}[params.distance]),
                hnsw_config=edge.HnswIndexConfig(hnsw.m, hnsw.ef_construct, GRAPH_FROM_KB),
                optimizers=edge.EdgeOptimizersConfig(indexing_threshold=GRAPH_FROM_KB),
            ),
        )

    def update(self, operation, n=0):
        self.shard.update(operation)
        self.n_stale += n
        if self.n_stale >= STALE:
            self.shard.optimize()
            self.n_stale = 0


class Service(root.QdrantServicer, collections.CollectionsServicer, points.PointsServicer):
    def __init__(self, folder):
        self.folder, self.by_name, self.lock = folder, {}, threading.RLock()

    def of(self, request, context):
        found = self.by_name.get(request.collection_name)
        if found is None:
            context.abort(grpc.StatusCode.NOT_FOUND, f"Collection `{request.collection_name}` doesn't exist!")
        return found

    def HealthCheck(self, request, context):
        return q.HealthCheckReply(title="qdrant-edge behind a stand-in of its server", version="1.20.0")

    def List(self, request, context):
        names = sorted(self.by_name)
        return c.ListCollectionsResponse(collections=[c.CollectionDescription(name=n) for n in names])

    def CollectionExists(self, request, context):
        exists = request.collection_name in self.by_name
        return c.CollectionExistsResponse(result=c.CollectionExists(exists=exists))

    def Create(self, request, context):
        with self.lock:
            if request.collection_name in self.by_name:
                context.abort(grpc.StatusCode.ALREADY_EXISTS, f"Collection `{request.collection_name}` already exists!")
            folder = self.folder / uuid.uuid4().hex
            self.by_name[request.collection_name] = Collection(request, folder)
        return c.CollectionOperationResponse(result=True)

    def Delete(self, request, context):
        # Both the collections and the points service have a method of this name.
        if isinstance(request, c.DeleteCollection):
            with self.lock:
                gone = self.by_name.pop(request.collection_name, None)
                if gone is not None:
                    gone.shard.close()
                    shutil.rmtree(gone.folder)
            return c.CollectionOperationResponse(result=gone is not None)
        selector = request.points
        with self.lock:
            collection = self.of(request, context)
            if selector.HasField("filter"):
                operation = edge.UpdateOperation.delete_points_by_filter(filter_in(selector.filter))
            else:
                operation = edge.UpdateOperation.delete_points([id_in(i) for i in selector.points.ids])
            collection.update(operation)
        return self.done()

    def Get(self, request, context):
        # As in Delete.
        with self.lock:
            collection = self.of(request, context)
            if isinstance(request, c.GetCollectionInfoRequest):
                params = c.CollectionParams(
                    vectors_config=collection.made.vectors_config, shard_number=1, on_disk_payload=False
                )
                config = c.CollectionConfig(params=params)
                return c.GetCollectionInfoResponse(result=c.CollectionInfo(config=config))
            found = collection.shard.retrieve([id_in(i) for i in request.ids], True, False)
        return p.GetResponse(result=[self.record(one) for one in found])

    def CreateFieldIndex(self, request, context):
        with self.lock:
            collection = self.of(request, context)
            kind = FIELD_KINDS[request.field_type]
            if request.field_index_params.HasField("keyword_index_params"):
                kind = edge.KeywordIndexParams(is_tenant=request.field_index_params.keyword_index_params.is_tenant)
            collection.update(edge.UpdateOperation.create_field_index(request.field_name, kind))
        return self.done()

    def Upsert(self, request, context):
        with self.lock:
            collection = self.of(request, context)
            some = []
            for point in request.points:
                vector = point.vectors.vector
                numbers = vector.dense.data if vector.HasField("dense") else vector.data
                payload = GrpcToRest.convert_payload(point.payload)
                some.append(edge.Point(id_in(point.id), list(numbers), payload))
            collection.update(edge.UpdateOperation.upsert_points(some), len(some))
        return self.done()

    def Count(self, request, context):
        with self.lock:
            wanted = edge.CountRequest(exact=request.exact, filter=filter_in(request.filter))
            n = self.of(request, context).shard.count(wanted)
        return p.CountResponse(result=p.CountResult(count=n))

    def Scroll(self, request, context):
        with self.lock:
            wanted = edge.ScrollRequest(
                offset=id_in(request.offset) if request.HasField("offset") else None,
                limit=request.limit if request.HasField("limit") else 10,
                filter=filter_in(request.filter),
                with_payload=True,
            )
            found, more = self.of(request, context).shard.scroll(wanted)
        reply = p.ScrollResponse(result=[self.record(one) for one in found])
        if more is not None:
            reply.next_page_offset.CopyFrom(id_out(more))
        return reply

    def Query(self, request, context):
        params = request.params
        with self.lock:
            wanted = edge.QueryRequest(
                request.limit if request.HasField("limit") else 10,
                query=edge.Query.Nearest(list(request.query.nearest.dense.data)),
                filter=filter_in(request.filter),
                params=edge.SearchParams(hnsw_ef=params.hnsw_ef or None, exact=params.exact),
            )
            found = self.of(request, context).shard.query(wanted)
        result = [scored(one) for one in found]
        return p.QueryResponse(result=result)

    @staticmethod
    def record(one):
        return p.RetrievedPoint(id=id_out(one.id), payload=RestToGrpc.convert_payload(one.payload or {}))

    @staticmethod
    def done():
        return p.PointsOperationResponse(result=p.UpdateResult(status=p.Completed))


def scored(one):
    return p.ScoredPoint(id=id_out(one.id), score=one.score)


def main():
    port, folder = int(sys.argv[1]), Path(sys.argv[2])
    server = grpc.server(futures.ThreadPoolExecutor(4), options=[("grpc.max_receive_message_length", 64 << 20)])
    service = Service(folder)
    root.add_QdrantServicer_to_server(service, server)
    collections.add_CollectionsServicer_to_server(service, server)
    points.add_PointsServicer_to_server(service, server)
    assert server.add_insecure_port(f"127.0.0.1:{port}") == port, "the port is taken"
    server.start()
    print("ready", flush=True)
    server.wait_for_termination()


if __name__ == "__main__":
    main()
