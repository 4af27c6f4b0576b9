"""Ken's requests by the platforms' published schemas.

The documents are downloaded at a fixed commit, or read from a folder, and compared with their SHA-256. None of them is kept in
this repository. Messenger, WeChat and Twilio's voice have no published schema here.
"""

import copy
import hashlib
import json
import pathlib
import re
import sys
import urllib.request

import jsonschema
import jsonschema.validators
import referencing
import referencing.jsonschema
import yaml
from common import RANDOM, Counts, expect

DOCUMENTS = {
    "line": ("line/line-openapi", "6e4c2a2a1b7b059ea3920456d4f88d03fd8ef0bb", "messaging-api.yml", "0227978ce1b3133e20da034fc33a9241000619ae4fea2fda7b61983abf79577a"),
    "whatsapp": ("facebook/openapi", "ecba623b4aba6ae770185b074ed77ed5acef22f7", "business-messaging-api_v23.0.yaml", "c7148d5e2aeff32f2effc3d3557795d7eddd07abf8b017c9e40e86bb3312c116"),
    "slack": ("slackapi/slack-api-specs", "bc08db49625630e3585bf2f1322128ea04f2a7f3", "web-api/slack_web_openapi_v2.json", "742a5c977180a829df8767cf57bc417d99b3713583aee83741efb9c08ca731e7"),
    "telegram": ("PaulSonOfLars/telegram-bot-api-spec", "160fd99507e1c7c77e92dc90f5993d724735b51c", "api.json", "0950def6a1c900792c3a1d65ab13c1ee76d2f400a761df1aa0e6245e2355070a"),
}
# In Meta's reference and in pywa, and in this document only for other requests.
NOT_IN_DOCUMENT = {"whatsapp": {"biz_opaque_callback_data"}}
FORMATS = jsonschema.Draft202012Validator.FORMAT_CHECKER


def document(channel, folder):
    repository, commit, path, digest = DOCUMENTS[channel]
    if folder:
        found = (pathlib.Path(folder) / pathlib.Path(path).name).read_bytes()
    else:
        url = f"https://raw.githubusercontent.com/{repository}/{commit}/{path}"
        try:
            found = urllib.request.urlopen(url, timeout=30).read()
        except OSError as error:
            sys.exit(f"cannot download {url}: {error}; give a folder with the documents: make channels OPENAPI=FOLDER")
    expect(hashlib.sha256(found).hexdigest() == digest, channel, path, "is another document")
    return json.loads(found) if path.endswith(".json") else yaml.load(found, yaml.CSafeLoader)


def opened_branches(node):
    """A copy in which branches of `allOf` allow the fields of the other branches: they are checked together (`unknown`)."""
    if isinstance(node, list):
        return [opened_branches(item) for item in node]
    if not isinstance(node, dict):
        return node
    found = {name: opened_branches(value) for name, value in node.items()}
    for branch in found.get("allOf", []) if isinstance(found.get("allOf"), list) else []:
        branch.pop("additionalProperties", None)
    return found


class OpenApi:
    """A document of OpenAPI 3."""

    def __init__(self, channel, of):
        self.of, self.uri, self.channel = opened_branches(of), f"urn:{channel}", channel
        resource = referencing.jsonschema.DRAFT202012.create_resource(self.of)
        self.registry = referencing.Registry().with_resource(self.uri, resource)
        self.entered = []
        kind = jsonschema.validators.extend(jsonschema.Draft202012Validator, {"discriminator": self.discriminator})
        self.kind = kind

    def discriminator(self, validator, value, instance, schema):
        """The schema that the value of a field names."""
        name = instance.get(value["propertyName"]) if isinstance(instance, dict) else None
        name = name if isinstance(name, str) else None
        reference = value.get("mapping", {}).get(name)
        key = (id(instance), reference)
        if name is not None and reference is None and "mapping" in value:
            yield jsonschema.ValidationError(f"{name!r} is none of {sorted(value['mapping'])}")
        if reference is None or key in self.entered:
            return
        self.entered.append(key)
        yield from validator.descend(instance, {"$ref": f"{self.uri}{reference}"})
        self.entered.pop()

    def errors(self, schema, instance):
        validator = self.kind({**schema, "$id": f"{self.uri}:of"} if "$ref" not in schema else {"$ref": self.uri + schema["$ref"]}, registry=self.registry, format_checker=FORMATS)
        return [error.message for error in validator.iter_errors(instance)] + list(self.unknown([schema], instance, "body"))

    def at(self, schema):
        while "$ref" in schema:
            found = self.of
            for name in schema["$ref"].removeprefix("#/").split("/"):
                found = found[name]
            schema = found
        return schema

    def parts(self, schemas, instance, seen):
        """All schemas that may describe an object."""
        for schema in schemas:
            schema = self.at(schema)
            if id(schema) in seen:
                continue
            seen.add(id(schema))
            yield schema
            of = schema.get("discriminator", {})
            named = of.get("mapping", {}).get(str(instance.get(of.get("propertyName"))))
            more = schema.get("allOf", []) + schema.get("oneOf", []) + schema.get("anyOf", [])
            yield from self.parts(more + ([{"$ref": named}] if named else []), instance, seen)

    def unknown(self, schemas, instance, path):
        """The fields that no schema names."""
        if isinstance(instance, list):
            items = [self.at(schema)["items"] for schema in schemas if "items" in self.at(schema)]
            for n, item in enumerate(instance if items else []):
                yield from self.unknown(items, item, f"{path}[{n}]")
        if not isinstance(instance, dict):
            return
        parts = list(self.parts(schemas, instance, set()))
        fields = {}
        for part in parts:
            for name, schema in part.get("properties", {}).items():
                fields.setdefault(name, []).append(schema)
        if not fields:
            return
        for name, value in instance.items():
            if name not in fields:
                yield f"{path}.{name} is unknown"
            else:
                yield from self.unknown(fields[name], value, f"{path}.{name}")

    def operation(self, call):
        """The operation of a request, with the parameters of its path."""
        path, _, query = call["path"].partition("?")
        for template, item in self.of["paths"].items():
            pattern = re.sub(r"\\{([^}]*)\\}", r"([^/]+)", re.escape(template))
            found = re.fullmatch(pattern, path)
            operation = item.get(call["method"].lower())
            if not found or not operation:
                continue
            values = dict(zip(re.findall(r"\{([^}]*)\}", template), found.groups()))
            parameters = [self.at(parameter) for parameter in item.get("parameters", []) + operation.get("parameters", [])]
            if all(not list(self.wrong_path(parameter, values)) for parameter in parameters):
                return operation, parameters, values, dict(pair.split("=") for pair in query.split("&") if pair)
        return None

    def wrong_path(self, parameter, values):
        if parameter["in"] == "path" and parameter["name"] in values:
            yield from self.errors(parameter.get("schema", {}), values[parameter["name"]])

    def check(self, call):
        """What is wrong with a request."""
        found = self.operation(call)
        if found is None:
            return [f"no operation {call['method']} {call['path']}"]
        operation, parameters, values, query = found
        headers = {**call["headers"], "content-type": "application/json"}
        wrong = []
        for parameter in parameters:
            given = {"path": values, "query": query, "header": headers}[parameter["in"]]
            name = parameter["name"].lower() if parameter["in"] == "header" else parameter["name"]
            if name in given:
                wrong += self.errors(parameter.get("schema", {}), given[name])
            elif parameter.get("required"):
                wrong.append(f"{name} is missing")
        known = {parameter["name"] for parameter in parameters if parameter["in"] == "query"}
        wrong += [f"the parameter {name} is unknown" for name in query if name not in known]
        content = operation.get("requestBody", {}).get("content", {}).get("application/json")
        if (content is None) != (call["body"] is None):
            return wrong + ["a body, or none, is expected"]
        body = {name: value for name, value in (call["body"] or {}).items() if name not in NOT_IN_DOCUMENT.get(self.channel, ())}
        return wrong + (self.errors(content["schema"], body) if content else [])


class Swagger:
    """Slack's document, of Swagger 2: the fields of forms, whose lists and objects are written as JSON. Ken sends the fields as
    JSON, which Slack takes as well, and the token in the header `Authorization`."""

    def __init__(self, of):
        self.of = of

    def check(self, call):
        operation = self.of["paths"].get(call["path"].removeprefix("/api"), {}).get(call["method"].lower())
        if operation is None:
            return [f"no operation {call['method']} {call['path']}"]
        known = {parameter["name"]: parameter for parameter in operation["parameters"] if parameter["name"] != "token"}
        body = call["body"] or {}
        wrong = [f"{name} is missing" for name, of in known.items() if of.get("required") and name not in body]
        if not re.fullmatch(r"Bearer \S+", call["headers"].get("authorization", "")):
            wrong.append("the token is missing")
        for name, value in body.items():
            if name not in known:
                wrong.append(f"{name} is unknown")
                continue
            value = json.dumps(value) if isinstance(value, (list, dict)) else value
            schema = {key: value for key, value in known[name].items() if key in ("type", "enum", "maxLength")}
            wrong += [error.message for error in jsonschema.Draft202012Validator(schema).iter_errors(value)]
        return wrong


class Telegram:
    """A description of the Bot API's methods and types, as JSON schemas."""

    PLAIN = {"Integer": {"type": "integer"}, "String": {"type": "string"}, "Boolean": {"type": "boolean"}, "Float": {"type": "number"}}

    def __init__(self, of):
        self.methods = of["methods"]
        self.types = {name: self.schema(of_type) for name, of_type in of["types"].items()}

    def kind(self, name):
        if name.startswith("Array of "):
            return {"type": "array", "items": self.kind(name.removeprefix("Array of "))}
        return self.PLAIN.get(name) or {"$ref": f"#/$defs/{name}"}

    def schema(self, of):
        if of.get("subtypes"):
            return {"anyOf": [self.kind(name) for name in of["subtypes"]]}
        fields = {field["name"]: {"anyOf": [self.kind(name) for name in field["types"]]} for field in of.get("fields", [])}
        required = [field["name"] for field in of.get("fields", []) if field["required"]]
        return {"type": "object", "properties": fields, "required": required, "additionalProperties": False}

    def check(self, call):
        method = self.methods.get(call["path"].rpartition("/")[2])
        if method is None or not re.match(r"/bot[^/]+/", call["path"]):
            return [f"no method {call['path']}"]
        schema = {**self.schema(method), "$defs": self.types}
        return [error.message for error in jsonschema.Draft202012Validator(schema).iter_errors(call["body"] or {})]


def requests(wire, channel, secrets, to, tokens):
    """Ken's requests of each kind, with their names."""
    texts = ["可以退貨，七天內。", "a & <b>\n\n\"c\"", "😀" * 40, "x" * 2_900]
    choices = [[], ["甲"], ["退貨", "換貨", "其他"], [f"選項 {n}" for n in range(1, 6)], [f"選項 {n}" for n in range(1, 11)]]
    for text in texts:
        for offered in choices:
            for token in [None, *tokens]:
                yield from wire.send(channel, secrets, to=to, texts=[text, text[:900]], choices=offered, token=token)
    if channel == "whatsapp":
        for parameters in ([], ["A-1"], ["A-1", "多 行\n的\t值     x"]):
            yield from wire.send(channel, secrets, to=to, texts=["x"], template={"name": "shipped", "language": "zh_TW", "parameters": parameters})
    yield from wire.calls("check", channel, secrets)
    if channel != "slack":  # A file of Slack has an address of its own.
        yield wire.calls("media", channel, secrets, id="468789577898262530")[0]


def broken(channel, call):
    """The request with one thing wrong."""
    call = copy.deepcopy(call)
    name = RANDOM.choice(sorted(set(call["body"]) - NOT_IN_DOCUMENT.get(channel, set())))
    kind = RANDOM.randrange(3)
    if kind == 0:
        call["body"]["no_such_field"] = "x"
    elif kind == 1:
        # Slack's objects are texts.
        call["body"][name] = 7 if channel == "slack" else {"no": ["such", {"value": 1}]}
    else:
        call["path"] += "s"
    return call


def check(wire, folder):
    folder = folder[0] if folder and folder[0] else None
    secrets = {
        "line": {"access_token": "line-token"},
        "whatsapp": {"access_token": "meta-token", "phone_number_id": "106853218861309"},
        "slack": {"bot_token": "xoxb-1"},
        "telegram": {"bot_token": "1:a"},
    }
    cases = [
        ("line", OpenApi("line", document("line", folder)), "U4af4980629", ["r1"]),
        ("whatsapp", OpenApi("whatsapp", document("whatsapp", folder)), "8869", []),
        ("slack", Swagger(document("slack", folder)), "U1", ["C1 17.9"]),
        ("telegram", Telegram(document("telegram", folder)), "42", []),
    ]
    counts = Counts()
    for channel, schema, to, tokens in cases:
        for call in requests(wire, channel, secrets[channel], to, tokens):
            wrong = schema.check(call)
            expect(not wrong, channel, call, wrong)
            counts.add(f"{channel}: valid")
            if call["body"]:
                other = broken(channel, call)
                expect(schema.check(other), channel, "accepts", other)
                counts.add(f"{channel}: refused when broken")
    return counts
