//! The APIs of other ecosystems: OpenAI's chat completions, embeddings and models, and Dify's external knowledge.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use reqwest::Method;
use serde_json::{Value, json};

use crate::keys::Keyed;
use crate::scripted_llm::{Script, ScriptedLlm};
use crate::support::{TestApp, root};

const CHAT: &str = "/v1/chat/completions";
const EMBEDDINGS: &str = "/v1/embeddings";
const RETRIEVAL: &str = "/dify/retrieval";
const REFUND: &str = "請問退貨後多久可以收到退款？";
const WEATHER: &str = "今天台北天氣如何？";

/// A request with a user's message and other fields.
fn asked(question: &str, more: Value) -> Value {
    let mut body = json!({ "model": "ken", "messages": [{ "role": "user", "content": question }] });
    let fields = body.as_object_mut().unwrap();
    fields.extend(more.as_object().unwrap().clone());
    body
}

/// The status and the body of a reply, which is JSON also if it is an error.
async fn post(app: &TestApp, path: &str, body: &Value) -> (u16, Value) {
    let request = app.client.post(format!("{}{path}", app.address)).json(body);
    let response = request.send().await.unwrap();
    assert_eq!(response.headers()["content-type"], "application/json");
    (response.status().as_u16(), response.json().await.unwrap())
}

async fn complete(app: &TestApp, body: Value) -> Value {
    let (status, reply) = post(app, CHAT, &body).await;
    assert_eq!(status, 200, "{reply}");
    reply
}

/// The chunks of a stream and whether it ended with `[DONE]`.
async fn stream(app: &TestApp, body: Value) -> (Vec<Value>, bool) {
    let url = format!("{}{CHAT}", app.address);
    let response = app.client.post(url).json(&body).send().await.unwrap();
    assert_eq!(response.status(), 200);
    assert_eq!(response.headers()["content-type"], "text/event-stream");
    let text = response.text().await.unwrap();
    let data: Vec<&str> = text
        .lines()
        .filter_map(|line| line.strip_prefix("data: "))
        .collect();
    let chunks = data.iter().filter(|data| **data != "[DONE]");
    let chunks = chunks.map(|data| serde_json::from_str(data).unwrap());
    (chunks.collect(), data.last() == Some(&"[DONE]"))
}

/// The text from one character to another.
fn characters(text: &str, from: &Value, to: &Value) -> String {
    let at = |value: &Value| usize::try_from(value.as_u64().unwrap()).unwrap();
    let (from, to) = (at(from), at(to));
    text.chars().skip(from).take(to - from).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn completion_cites_sentences_and_refusal_is_content() {
    let app = TestApp::with_shop().await;
    let expected = app.ask(REFUND).await;
    // Fields that Ken does not know, as real clients send them.
    let more = json!({ "temperature": 0.2, "max_tokens": 9, "tools": [], "response_format": null, "seed": 7 });
    let reply = complete(&app, asked(REFUND, more)).await;
    assert_eq!(reply["object"], "chat.completion");
    assert_eq!(reply["model"], "ken");
    assert!(reply["created"].as_i64() > Some(1_700_000_000));
    let choice = &reply["choices"][0];
    assert_eq!(choice["finish_reason"], "stop");
    let message = &choice["message"];
    assert_eq!(message["role"], "assistant");
    let content = message["content"].as_str().unwrap();
    assert_eq!(content, expected.text);
    let ken = &reply["ken"];
    assert_eq!(ken["outcome"], "answered");
    assert_eq!(
        ken["citations"].as_array().unwrap().len(),
        expected.citations.len()
    );
    let annotations = message["annotations"].as_array().unwrap();
    let n_cited: usize = expected.sentences.iter().map(|s| s.citations.len()).sum();
    assert_eq!(annotations.len(), n_cited);
    let sentences = expected.sentences.iter();
    let cited = sentences.flat_map(|s| s.citations.iter().map(move |_| &s.text));
    for (annotation, sentence) in annotations.iter().zip(cited) {
        assert_eq!(annotation["type"], "url_citation");
        let of = &annotation["url_citation"];
        let found = characters(content, &of["start_index"], &of["end_index"]);
        assert_eq!(&found, sentence);
        assert!(reply["citations"].as_array().unwrap().contains(&of["url"]));
        assert_ne!(of["title"], "");
    }
    let usage = &reply["usage"];
    let sum =
        usage["prompt_tokens"].as_i64().unwrap() + usage["completion_tokens"].as_i64().unwrap();
    assert_eq!(usage["total_tokens"], sum);
    // 13 Chinese characters, and the mark after them with its quarter of a token.
    assert_eq!(usage["prompt_tokens"], 14);
    // The answer is recorded as any other.
    let id = ken["answer_id"].as_str().unwrap();
    let (status, explained) = app.get(&format!("/v1/answers/{id}")).await;
    assert_eq!(status, 200, "{explained}");

    let refused = complete(&app, asked(WEATHER, json!({}))).await;
    assert_eq!(refused["ken"]["outcome"], "refused");
    assert_ne!(refused["ken"]["reason"], Value::Null);
    let message = &refused["choices"][0]["message"];
    assert_eq!(message["annotations"], json!([]));
    assert_ne!(message["content"], "");
    assert_eq!(refused["citations"], json!([]));
    app.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn stream_has_the_parts_of_the_completion() {
    let app = TestApp::with_shop().await;
    for question in [REFUND, WEATHER] {
        let whole = complete(&app, asked(question, json!({}))).await;
        let streamed =
            json!({ "stream": true, "stream_options": { "include_usage": true }, "n": 1 });
        let (chunks, is_done) = stream(&app, asked(question, streamed)).await;
        assert!(is_done);
        let (usage, chunks) = chunks.split_last().unwrap();
        assert_eq!(usage["choices"], json!([]));
        assert_eq!(usage["usage"], whole["usage"]);
        for chunk in chunks {
            let first = &chunks[0];
            for field in ["id", "created", "model"] {
                assert_eq!(chunk[field], first[field], "{field}");
            }
            assert_eq!(chunk["object"], "chat.completion.chunk");
            assert_eq!(chunk.get("usage"), Some(&Value::Null));
            let choice = chunk["choices"][0].as_object().unwrap();
            assert!(choice.contains_key("finish_reason"), "{chunk}");
        }
        let choices: Vec<&Value> = chunks.iter().map(|chunk| &chunk["choices"][0]).collect();
        assert_eq!(
            choices[0]["delta"],
            json!({ "role": "assistant", "content": "" })
        );
        let (last, before) = choices.split_last().unwrap();
        assert_eq!(
            (&last["delta"], &last["finish_reason"]),
            (&json!({}), &json!("stop"))
        );
        assert!(
            before
                .iter()
                .all(|choice| choice["finish_reason"].is_null())
        );
        let texts = before
            .iter()
            .filter_map(|choice| choice["delta"]["content"].as_str());
        let message = &whole["choices"][0]["message"];
        assert_eq!(
            texts.collect::<String>(),
            message["content"].as_str().unwrap()
        );
        let cited = &chunks[chunks.len() - 2];
        assert_eq!(
            cited["choices"][0]["delta"]["annotations"],
            message["annotations"]
        );
        assert_eq!(cited["citations"], whole["citations"]);
        assert_eq!(cited["ken"]["outcome"], whole["ken"]["outcome"]);
    }
    // Without the option no chunk mentions the usage.
    let (chunks, is_done) = stream(&app, asked(REFUND, json!({ "stream": true }))).await;
    assert!(is_done);
    assert!(chunks.iter().all(|chunk| chunk.get("usage").is_none()));
    app.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn failure_within_a_stream_is_an_error_event() {
    // The model stalls for longer than a request may take.
    let llm = ScriptedLlm::start(vec![Script::StallsAfter("LumiBuds".into())]).await;
    let app = TestApp::start_with(|config| {
        config.llm.url = llm.url.clone();
        config.llm.model = "scripted".into();
        config.llm.idle_ms = 60_000;
        config.llm.timeout_ms = 60_000;
        config.http.timeout_ms = 5_000;
    })
    .await;
    // Not by a request, which may take too long on a busy machine.
    let file = app.folder.path().join("pro.md");
    std::fs::write(&file, "# LumiBuds Pro\n\nLumiBuds Pro 保固十二個月。").unwrap();
    app.ingest(&file).await;
    let body = asked("LumiBuds Pro 保固多久？", json!({ "stream": true }));
    let (chunks, is_done) = stream(&app, body).await;
    assert_eq!(chunks.len(), 2, "{chunks:?}");
    assert_eq!(chunks[0]["choices"][0]["delta"]["role"], "assistant");
    let error = &chunks[1]["error"];
    assert_eq!(
        (&error["type"], &error["code"]),
        (&json!("server_error"), &json!("timeout"))
    );
    assert_ne!(error["message"], "");
    assert!(is_done);
    app.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn messages_become_question_history_and_conversation() {
    let app = TestApp::start().await;
    for (id, title, text) in [
        ("pro", "LumiBuds Pro：保固", "LumiBuds Pro 保固十二個月。"),
        (
            "mini",
            "BeamBox Mini：保固",
            "BeamBox Mini 保固二十四個月。",
        ),
    ] {
        app.put(id, json!({ "title": title, "text": text })).await;
    }
    let messages = json!([
        { "role": "system", "content": "Answer as a pirate." },
        { "role": "user", "content": "LumiBuds Pro 保固多久？" },
        { "role": "assistant", "content": null, "tool_calls": [] },
        { "role": "assistant", "content": [{ "type": "text", "text": "LumiBuds Pro 保固十二個月。" }] },
        { "role": "tool", "content": "ignored", "tool_call_id": "1" },
        { "role": "user", "content": [{ "type": "text", "text": "那 BeamBox Mini 呢？" }] },
    ]);
    let body = json!({ "model": "ken", "messages": messages, "metadata": { "conversation_id": "c1" }, "user": "amy" });
    let reply = complete(&app, body).await;
    let content = reply["choices"][0]["message"]["content"].as_str().unwrap();
    assert!(content.contains("二十四個月"), "{content}");
    assert_eq!(reply["ken"]["conversation_id"], "c1");
    let id = reply["ken"]["answer_id"].as_str().unwrap();
    let (_, explained) = app.get(&format!("/v1/answers/{id}")).await;
    assert_eq!(
        explained["request"]["history"],
        json!([
            { "role": "user", "text": "LumiBuds Pro 保固多久？" },
            { "role": "agent", "text": "LumiBuds Pro 保固十二個月。" },
        ])
    );
    // A client that sends one message only continues the recorded conversation of its user.
    let first = asked("LumiBuds Pro 保固多久？", json!({ "user": "ann" }));
    assert_eq!(complete(&app, first).await["ken"]["conversation_id"], "ann");
    let next = complete(
        &app,
        asked("那 BeamBox Mini 呢？", json!({ "user": "ann" })),
    )
    .await;
    let content = next["choices"][0]["message"]["content"].as_str().unwrap();
    assert!(content.contains("二十四個月"), "{content}");
    let (_, conversation) = app.get("/v1/conversations/ann").await;
    assert_eq!(conversation["turns"].as_array().unwrap().len(), 2);
    app.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn restricted_document_is_cited_to_its_audience_only() {
    let app = TestApp::start().await;
    let text = "# 內部折扣\n\n員工內部折扣是七五折。";
    let body =
        json!({ "text": text, "audience": ["staff"], "uri": "https://shop.example.com/staff" });
    app.put("staff", body).await;
    let question = "員工內部折扣是多少？";
    let reply = complete(&app, asked(question, json!({}))).await;
    assert_eq!(reply["ken"]["outcome"], "refused", "{reply}");
    assert!(!reply.to_string().contains("七五折"));
    let audience = json!({ "metadata": { "audience": "vip, staff" } });
    let reply = complete(&app, asked(question, audience)).await;
    assert_eq!(reply["ken"]["outcome"], "answered", "{reply}");
    assert_eq!(
        reply["citations"],
        json!(["https://shop.example.com/staff"])
    );
    let body = json!({ "knowledge_id": "default", "query": question, "retrieval_setting": { "top_k": 3, "score_threshold": 0.0 } });
    assert_eq!(
        post(&app, RETRIEVAL, &body).await,
        (200, json!({ "records": [] }))
    );
    app.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn document_without_uri_has_an_address_in_the_api() {
    let app = TestApp::start_with(|config| {
        config.http.public_url = "https://ken.example.com".into();
    })
    .await;
    app.put(
        "門市 1",
        json!({ "text": "# 門市\n\n門市每天上午十點開門。" }),
    )
    .await;
    let reply = complete(&app, asked("門市幾點開門？", json!({}))).await;
    let url = "https://ken.example.com/v1/documents/%E9%96%80%E5%B8%82%201?version=1";
    assert_eq!(reply["citations"], json!([url]), "{reply}");
    app.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn wrong_requests_are_rejected_in_openai_shape() {
    let app = TestApp::start().await;
    let image = json!([{ "type": "text", "text": "?" }, { "type": "image_url", "image_url": { "url": "data:" } }]);
    let long = "長".repeat(2_001);
    let message = |role: &str, content: Value| json!({ "model": "ken", "messages": [{ "role": role, "content": content }] });
    let embed = |input: Value| json!({ "model": "ken-embedding", "input": input });
    for (path, body, status, param, code) in [
        (
            CHAT,
            asked("?", json!({ "n": 2 })),
            400,
            "n",
            "invalid_value",
        ),
        (
            CHAT,
            message("user", image),
            400,
            "messages[0].content[1]",
            "invalid_value",
        ),
        (
            CHAT,
            message("system", json!("x")),
            400,
            "messages",
            "invalid_value",
        ),
        (
            CHAT,
            message("king", json!("x")),
            400,
            "messages[0].role",
            "invalid_value",
        ),
        (
            CHAT,
            message("user", json!(7)),
            400,
            "messages[0].content",
            "invalid_value",
        ),
        (
            CHAT,
            message("user", json!("")),
            400,
            "messages[0].content",
            "invalid_value",
        ),
        (
            CHAT,
            message("user", json!(long)),
            400,
            "messages[0].content",
            "invalid_value",
        ),
        (
            CHAT,
            asked("?", json!({ "user": "" })),
            400,
            "user",
            "invalid_value",
        ),
        (
            CHAT,
            asked("?", json!({ "model": "gpt-4o" })),
            404,
            "model",
            "model_not_found",
        ),
        (
            CHAT,
            asked("?", json!({ "model": "ken-embedding" })),
            404,
            "model",
            "model_not_found",
        ),
        (
            EMBEDDINGS,
            json!({ "model": "ken", "input": "x" }),
            404,
            "model",
            "model_not_found",
        ),
        (
            EMBEDDINGS,
            embed(json!([1, 2, 3])),
            400,
            "input",
            "invalid_value",
        ),
        (
            EMBEDDINGS,
            embed(json!([[1, 2], [3]])),
            400,
            "input",
            "invalid_value",
        ),
        (EMBEDDINGS, embed(json!([])), 400, "input", "invalid_value"),
        (
            EMBEDDINGS,
            embed(json!(["x", " "])),
            400,
            "input",
            "invalid_value",
        ),
        (EMBEDDINGS, embed(json!(7)), 400, "input", "invalid_value"),
        (
            EMBEDDINGS,
            json!({ "model": "ken-embedding", "input": "x", "dimensions": 3 }),
            400,
            "dimensions",
            "invalid_value",
        ),
    ] {
        let (found, reply) = post(&app, path, &body).await;
        let error = &reply["error"];
        assert_eq!(found, status, "{body}: {reply}");
        assert_eq!(
            (&error["param"], &error["code"]),
            (&json!(param), &json!(code)),
            "{reply}"
        );
        assert_eq!(error["type"], "invalid_request_error");
        assert_eq!(reply.as_object().unwrap().len(), 1);
    }
    let (_, reply) = post(&app, EMBEDDINGS, &embed(json!([1]))).await;
    let message = reply["error"]["message"].as_str().unwrap();
    assert!(
        message.contains("check_embedding_ctx_length=False"),
        "{message}"
    );
    // What the extractors and the router reject.
    let url = format!("{}{CHAT}", app.address);
    let client = &app.client;
    let json_type = ("content-type", "application/json");
    for (request, status, code) in [
        (client.post(&url), 415, "unsupported_media_type"),
        (
            client.post(&url).header(json_type.0, json_type.1).body("{"),
            400,
            "invalid_json",
        ),
        (client.get(&url), 405, "method_not_allowed"),
        (
            client
                .post(&url)
                .json(&json!({ "model": "x".repeat(5 << 20) })),
            413,
            "request_too_large",
        ),
    ] {
        let response = request.send().await.unwrap();
        assert_eq!(response.status(), status);
        assert_eq!(response.headers()["content-type"], "application/json");
        assert!(response.headers().contains_key("x-request-id"));
        let reply: Value = response.json().await.unwrap();
        assert_eq!(reply["error"]["code"], code, "{reply}");
    }
    app.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn keys_and_roles_apply_in_openai_shape() {
    let keyed = Keyed::start().await;
    let (bot, admin) = (&keyed.keys["bot"], &keyed.keys["admin"]);
    let body = |model: &str| Some(asked("退貨？", json!({ "model": model })));
    let send = async |key: Option<&str>, workspace: Option<&str>, model: &str| {
        keyed
            .send(Method::POST, CHAT, key, workspace, body(model))
            .await
    };
    for key in [None, Some("ken_nobody_00")] {
        let (status, reply) = send(key, None, "ken").await;
        assert_eq!(status, 401);
        assert_eq!(reply["error"]["code"], "invalid_api_key", "{reply}");
        assert_eq!(reply["error"]["param"], Value::Null);
    }
    let (status, reply) = send(Some(bot), Some("default"), "ken").await;
    assert_eq!(
        (status.as_u16(), &reply["error"]["type"]),
        (403, &json!("permission_error"))
    );
    let (status, reply) = send(Some(bot), None, "ken-very-strict").await;
    assert_eq!(
        (status.as_u16(), &reply["error"]["param"]),
        (403, &json!("model")),
        "{reply}"
    );
    let (status, reply) = send(Some(admin), None, "ken-very-strict").await;
    assert_eq!(
        (status.as_u16(), &reply["model"]),
        (200, &json!("ken-very-strict"))
    );
    for (key, n_chat) in [(bot, 1), (admin, 6)] {
        let (_, models) = keyed
            .send(Method::GET, "/v1/models", Some(key), None, None)
            .await;
        assert_eq!(models["object"], "list");
        let models = models["data"].as_array().unwrap();
        assert_eq!(models.len(), n_chat + 1);
        for model in models {
            assert_eq!(
                (&model["object"], &model["owned_by"]),
                (&json!("model"), &json!("ken"))
            );
            assert!(model["created"].is_i64());
        }
        assert_eq!(models[0]["id"], "ken");
        let dimension = keyed.app.app.embedder.dimension();
        assert_eq!(models[n_chat]["ken"]["dimension"], dimension);
        for model in models {
            let path = format!("/v1/models/{}", model["id"].as_str().unwrap());
            let (status, one) = keyed.send(Method::GET, &path, Some(key), None, None).await;
            assert_eq!((status.as_u16(), &one), (200, model));
        }
    }
    // A level that the role may not choose, and what does not exist.
    for (key, model) in [(bot, "ken-very-strict"), (admin, "gpt-4o"), (admin, "%00")] {
        let path = format!("/v1/models/{model}");
        let (status, reply) = keyed.send(Method::GET, &path, Some(key), None, None).await;
        let expected = match model {
            "%00" => (400, "invalid_value"),
            _ => (404, "model_not_found"),
        };
        let found = (status.as_u16(), reply["error"]["code"].as_str().unwrap());
        assert_eq!(found, expected, "{model}: {reply}");
    }
    keyed.app.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn level_of_the_model_decides() {
    let app = TestApp::with_shop().await;
    let path = root().join("corpus/shop/queries.jsonl");
    let queries = std::fs::read_to_string(path).unwrap();
    let levels = ["very_strict", "very_lenient"];
    // The first question that only the most lenient level answers.
    for line in queries.lines() {
        let query: Value = serde_json::from_str(line).unwrap();
        let question = query["text"].as_str().unwrap();
        let mut outcomes = Vec::new();
        for level in levels {
            let body = json!({ "question": question, "level": level });
            outcomes.push(app.answer(body).await.outcome);
        }
        if outcomes == ["refused", "answered"] {
            for (level, outcome) in levels.iter().zip(outcomes) {
                let model = format!("ken-{}", level.replace('_', "-"));
                let reply = complete(&app, asked(question, json!({ "model": model }))).await;
                assert_eq!(reply["ken"]["outcome"], outcome.as_str(), "{model}");
                assert_eq!(reply["model"], model);
            }
            app.stop().await;
            return;
        }
    }
    panic!("no question separates the levels");
}

#[tokio::test(flavor = "multi_thread")]
async fn embeddings_are_the_encoders_in_both_formats() {
    let app = TestApp::start().await;
    let texts = ["退貨", "How long does a refund take?"];
    let embed = async |more: Value| {
        let mut body = json!({ "model": "ken-embedding", "input": texts });
        body.as_object_mut()
            .unwrap()
            .extend(more.as_object().unwrap().clone());
        let (status, reply) = post(&app, EMBEDDINGS, &body).await;
        assert_eq!(status, 200, "{reply}");
        reply
    };
    let vector = |value: &Value| -> Vec<f32> {
        let numbers = value.as_array().unwrap().iter();
        numbers.map(|n| n.as_f64().unwrap() as f32).collect()
    };
    let dimension = app.app.embedder.dimension();
    let reply = embed(json!({ "dimensions": dimension, "encoding_format": "float" })).await;
    let encoded = embed(json!({ "encoding_format": "base64" })).await;
    assert_eq!(
        reply["usage"],
        json!({ "prompt_tokens": 9, "total_tokens": 9 })
    );
    let embedder = app.app.embedder.clone();
    let own = tokio::task::spawn_blocking(move || {
        embedder.embed_passages(texts.map(str::to_owned).to_vec())
    });
    for (i, own) in own.await.unwrap().unwrap().into_iter().enumerate() {
        assert_eq!(reply["data"][i]["index"], i);
        let found = vector(&reply["data"][i]["embedding"]);
        assert_eq!(found, own);
        let bytes = encoded["data"][i]["embedding"].as_str().unwrap();
        let bytes = STANDARD.decode(bytes).unwrap();
        let (words, rest) = bytes.as_chunks::<4>();
        let decoded: Vec<f32> = words.iter().map(|word| f32::from_le_bytes(*word)).collect();
        assert_eq!((decoded, rest.len()), (found, 0));
    }
    // A query is encoded differently from a passage, and as a question is.
    let queries = embed(json!({ "input_type": "query" })).await;
    let own = app.app.embedder.embed_question(texts[0]).await.unwrap();
    let found = vector(&queries["data"][0]["embedding"]);
    let cosine: f32 = own.iter().zip(&found).map(|(a, b)| a * b).sum();
    assert!(cosine > 0.999, "{cosine}");
    assert_ne!(queries["data"], reply["data"]);
    // One text is no list.
    let (_, one) = post(
        &app,
        EMBEDDINGS,
        &json!({ "model": "ken-embedding", "input": "退貨" }),
    )
    .await;
    assert_eq!(one["data"].as_array().unwrap().len(), 1);
    app.stop().await;
}

/// A request as Dify's service builds it.
fn retrieval(query: &str, top_k: u32, threshold: f64, condition: Value) -> Value {
    let mut body = json!({
        "retrieval_setting": { "top_k": top_k, "score_threshold": threshold },
        "query": query,
        "knowledge_id": "default",
    });
    if !condition.is_null() {
        body["metadata_condition"] = condition;
    }
    body
}

async fn records(app: &TestApp, body: &Value) -> Vec<Value> {
    let (status, reply) = post(app, RETRIEVAL, body).await;
    assert_eq!(status, 200, "{body}: {reply}");
    reply["records"].as_array().unwrap().clone()
}

#[tokio::test(flavor = "multi_thread")]
async fn dify_requests_are_answered_with_records() {
    let app = TestApp::with_shop().await;
    // The request by which older versions of Dify check an address: a POST without a body.
    let url = format!("{}{RETRIEVAL}", app.address);
    let empty = app
        .client
        .post(&url)
        .bearer_auth("any")
        .send()
        .await
        .unwrap();
    assert_eq!(empty.status(), 415);
    let empty: Value = empty.json().await.unwrap();
    assert_eq!(empty["error_code"], 415, "{empty}");
    // The request by which newer ones do: knowledge that does not exist. Dify takes 404 for a wrong address.
    let probe = json!({ "knowledge_id": "", "query": "test", "retrieval_setting": { "top_k": 1, "score_threshold": 0.0 } });
    let (status, reply) = post(&app, RETRIEVAL, &probe).await;
    assert_eq!(
        (status, &reply["error_code"]),
        (400, &json!(2001)),
        "{reply}"
    );

    let found = records(&app, &retrieval(REFUND, 5, 0.0, Value::Null)).await;
    assert_eq!(found.len(), 5);
    let scores: Vec<f64> = found
        .iter()
        .map(|one| one["score"].as_f64().unwrap())
        .collect();
    assert!(scores.is_sorted_by(|a, b| a >= b), "{scores:?}");
    assert!(scores.iter().all(|score| (0.0..=1.0).contains(score)));
    for record in &found {
        assert_ne!(record["title"], "");
        let content = record["content"].as_str().unwrap();
        assert!(content.starts_with(record["title"].as_str().unwrap()));
        let metadata = record["metadata"].as_object().unwrap();
        assert!(
            metadata
                .values()
                .all(|value| value.is_string() || value.is_number())
        );
        for name in ["document_id", "title", "path"] {
            assert!(metadata[name].is_string(), "{name}");
        }
    }
    assert!(
        found[0]["content"].as_str().unwrap().contains("工作天"),
        "{found:?}"
    );
    // The score is a confidence: one threshold separates a question with an answer from one without.
    let threshold = 0.28;
    assert!(
        !records(&app, &retrieval(REFUND, 5, threshold, Value::Null))
            .await
            .is_empty()
    );
    assert!(
        records(&app, &retrieval(WEATHER, 5, threshold, Value::Null))
            .await
            .is_empty()
    );
    let n_above = scores.iter().filter(|score| **score >= 0.5).count();
    let above = records(&app, &retrieval(REFUND, 5, 0.5, Value::Null)).await;
    assert_eq!(above.len(), n_above);
    // An empty condition and one with nulls, as Dify dumps its model.
    let condition = json!({ "logical_operator": "and", "conditions": null });
    assert_eq!(
        records(&app, &retrieval(REFUND, 5, 0.0, condition))
            .await
            .len(),
        5
    );
    let no_setting = json!({ "knowledge_id": "default", "query": REFUND, "retrieval_setting": { "top_k": null, "score_threshold": null } });
    assert_eq!(records(&app, &no_setting).await.len(), 4);
    for (body, place) in [
        (
            retrieval(REFUND, 0, 0.0, Value::Null),
            "retrieval_setting.top_k",
        ),
        (
            retrieval(REFUND, 5, 1.5, Value::Null),
            "retrieval_setting.score_threshold",
        ),
        (retrieval(" ", 5, 0.0, Value::Null), "query"),
    ] {
        let (status, reply) = post(&app, RETRIEVAL, &body).await;
        assert_eq!((status, &reply["error_code"]), (400, &json!(400)));
        assert!(
            reply["error_msg"].as_str().unwrap().contains(place),
            "{reply}"
        );
    }
    app.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn dify_score_of_identical_faq_is_certain() {
    let app = TestApp::start().await;
    let faq = json!({ "question": "可以刷卡嗎？", "answer": "可以，不限金額。" });
    let (status, _) = app
        .request(Method::PUT, "/v1/faqs/card?wait=indexed", Some(faq))
        .await;
    assert!(status.is_success());
    let found = records(&app, &retrieval("可以刷卡嗎？", 1, 0.99, Value::Null)).await;
    assert_eq!(found[0]["score"], 1.0);
    assert_eq!(found[0]["content"], "可以刷卡嗎？\n\n可以，不限金額。");
    assert_eq!(found[0]["metadata"]["kind"], "faq");
    app.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn dify_scores_read_passages_by_the_reader() {
    let app = TestApp::start_with(crate::support::read_passages).await;
    for (id, text) in [
        ("a", "# 退款\n\n退款約需七個工作天。"),
        ("b", "# 門市\n\n門市每天上午十點開門。"),
        ("c", "# 保固\n\n保固十二個月。"),
        ("d", "# 運費\n\n運費八十元。"),
    ] {
        app.put(id, json!({ "text": text })).await;
    }
    let found = records(&app, &retrieval("退款要幾天？", 4, 0.0, Value::Null)).await;
    assert_eq!(found.len(), 4);
    assert_eq!(found[0]["metadata"]["document_id"], "a");
    let scores: Vec<f64> = found
        .iter()
        .map(|one| one["score"].as_f64().unwrap())
        .collect();
    assert!(scores[0] >= 0.5 && scores[1] < 0.5, "{scores:?}");
    // The fourth passage is not read, so it is at most as likely as the lowest that was.
    assert!(scores.is_sorted_by(|a, b| a >= b), "{scores:?}");
    app.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn dify_conditions_and_tag_select_passages() {
    let app = TestApp::start().await;
    for (id, title, more) in [
        (
            "air",
            "退貨：空運",
            json!({ "tags": ["returns", "air"], "language": "zh-Hant" }),
        ),
        (
            "sea",
            "退貨：海運",
            json!({ "tags": ["returns"], "uri": "https://shop.example.com/sea" }),
        ),
        ("12", "退貨：門市", json!({ "tags": ["store"] })),
    ] {
        let mut body = json!({ "title": title, "text": format!("{title}需要七天才能退貨。") });
        body.as_object_mut()
            .unwrap()
            .extend(more.as_object().unwrap().clone());
        app.put(id, body).await;
    }
    let ids = async |body: Value| {
        let found = records(&app, &body).await;
        let mut ids: Vec<String> = found
            .iter()
            .map(|one| one["metadata"]["document_id"].as_str().unwrap().to_owned())
            .collect();
        ids.sort();
        ids.join(" ")
    };
    for (name, operator, value, expected) in [
        ("title", "contains", json!("海"), "sea"),
        ("title", "not contains", json!("海"), "12 air"),
        ("title", "start with", json!("退貨："), "12 air sea"),
        ("title", "end with", json!("門市"), "12"),
        ("document_id", "is", json!("air"), "air"),
        ("tags", "is not", json!("returns"), "12"),
        ("tags", "in", json!(["air", "store"]), "12 air"),
        ("tags", "not in", json!("air,store"), "sea"),
        ("uri", "empty", Value::Null, "12 air"),
        ("uri", "not empty", Value::Null, "sea"),
        ("document_id", "=", json!(12), "12"),
        ("document_id", "≠", json!(13), "12"),
        ("document_id", ">", json!(11), "12"),
        ("document_id", "<", json!("12"), ""),
        ("document_id", "≥", json!(12), "12"),
        ("document_id", "≤", json!(11.5), ""),
        ("updated_at", "before", json!("2026-01-01"), ""),
        ("updated_at", "after", json!(1_700_000_000), "12 air sea"),
        ("path", "is", json!("https://shop.example.com/sea"), "sea"),
        ("language", "is", json!("zh-Hant"), "12 air sea"),
        ("colour", "is", json!("red"), ""),
        ("colour", "empty", Value::Null, "12 air sea"),
    ] {
        let condition = json!({ "conditions": [{ "name": name, "comparison_operator": operator, "value": value }] });
        let found = ids(retrieval("退貨需要幾天", 10, 0.0, condition)).await;
        assert_eq!(found, expected, "{name} {operator} {value}");
    }
    let either = json!({ "logical_operator": "or", "conditions": [
        { "name": "title", "comparison_operator": "contains", "value": "海" },
        { "name": "title", "comparison_operator": "contains", "value": "空" },
    ] });
    assert_eq!(
        ids(retrieval("退貨需要幾天", 10, 0.0, either)).await,
        "air sea"
    );
    let unknown =
        json!({ "conditions": [{ "name": "title", "comparison_operator": "like", "value": "x" }] });
    let (status, reply) = post(&app, RETRIEVAL, &retrieval("退貨", 1, 0.0, unknown)).await;
    assert_eq!(status, 400, "{reply}");
    let mut tagged = retrieval("退貨需要幾天", 10, 0.0, Value::Null);
    tagged["knowledge_id"] = json!("default:returns");
    assert_eq!(ids(tagged.clone()).await, "air sea");
    tagged["knowledge_id"] = json!("default:nothing");
    assert_eq!(ids(tagged).await, "");
    app.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn dify_key_and_knowledge_errors_have_their_codes() {
    let keyed = Keyed::start().await;
    let bot = keyed.keys["bot"].as_str();
    let operator = keyed.keys["operator"].as_str();
    let body = |knowledge: &str| {
        let mut body = retrieval("退貨", 2, 0.0, Value::Null);
        body["knowledge_id"] = json!(knowledge);
        Some(body)
    };
    let mut replies = Vec::new();
    for (key, knowledge, workspace, expected) in [
        (None, "a", None, (401, 1001)),
        (Some("ken_nobody_00"), "a", None, (403, 1002)),
        (Some(bot), "a", Some("default"), (403, 1002)),
        (Some(bot), "default", None, (400, 2001)),
        (Some(bot), "never-made", None, (400, 2001)),
        (Some(bot), "A B", None, (400, 2001)),
        (Some(operator), "never-made", None, (400, 2001)),
        (Some(operator), "a", Some("b"), (400, 2001)),
    ] {
        let body = body(knowledge);
        let (status, reply) = keyed
            .send(Method::POST, RETRIEVAL, key, workspace, body)
            .await;
        let code = reply["error_code"].as_i64().unwrap();
        assert_eq!((status.as_u16(), code), expected, "{knowledge}: {reply}");
        replies.push(reply["error_msg"].as_str().unwrap().replace(knowledge, "X"));
    }
    assert_eq!(
        replies[3], replies[4],
        "another workspace and none look alike"
    );
    for (key, workspace) in [(bot, None), (operator, None), (operator, Some("a"))] {
        let (status, reply) = keyed
            .send(Method::POST, RETRIEVAL, Some(key), workspace, body("a"))
            .await;
        assert_eq!((status.as_u16(), reply), (200, json!({ "records": [] })));
    }
    let raw = format!("{}{RETRIEVAL}", keyed.app.address);
    let basic = keyed
        .app
        .client
        .post(raw)
        .header("authorization", "Basic abc");
    let reply: Value = basic.send().await.unwrap().json().await.unwrap();
    assert_eq!(reply["error_code"], 1001);
    keyed.app.stop().await;
}
