//! Personal data in the vault occurs nowhere else: not in the store, the indexes, the logs or requests to a model.

use std::path::{Path, PathBuf};

use ken::app::default_workspace;
use ken_store::store::Vault;
use serde_json::{Value, json};

use crate::cases::wait_until;
use crate::crash::{ken, serve_with};
use crate::scripted_llm::{Script, ScriptedLlm};
use crate::support::{Answer, Draft, client, read};

const N_CASES: usize = 80;

/// Whatever a person may be known by, made up.
fn personal(random: &mut fastrand::Rng) -> (&'static str, String) {
    let digits = |random: &mut fastrand::Rng, n: usize| -> String {
        (0..n)
            .map(|_| char::from(b'0' + random.u8(0..10)))
            .collect()
    };
    let surname = *random
        .choice(["歐陽", "諸葛", "司徒", "皇甫"].as_slice())
        .unwrap();
    let given = *random
        .choice(["曉晴", "子軒", "美玲", "志豪"].as_slice())
        .unwrap();
    match random.u8(0..9) {
        0 => ("我的電話是", format!("09{}", digits(random, 8))),
        1 => (
            "電郵",
            format!(
                "{}{}@example.com",
                random.choice(["amy", "lin", "wu"].as_slice()).unwrap(),
                digits(random, 5)
            ),
        ),
        2 => ("卡號", luhn(&format!("4{}", digits(random, 14)))),
        3 => (
            "訂單",
            format!("LM26{}-{}", digits(random, 2), digits(random, 6)),
        ),
        4 => ("我叫", format!("{surname}{given}")),
        5 => (
            "my phone is",
            format!(
                "+886 9{} {} {}",
                digits(random, 2),
                digits(random, 3),
                digits(random, 3)
            ),
        ),
        6 => (
            "地址是",
            format!(
                "台北市信義區松仁路{}號{}樓",
                random.u32(10..300),
                random.u32(2..20)
            ),
        ),
        7 => (
            "帳號",
            format!("{}-{}", digits(random, 3), digits(random, 12)),
        ),
        _ => ("身分證", taiwan_id(random)),
    }
}

/// Digits with the check digit that cards have.
fn luhn(first: &str) -> String {
    let sum: u32 = first
        .bytes()
        .rev()
        .enumerate()
        .map(|(at, b)| {
            let digit = u32::from(b - b'0') * if at % 2 == 0 { 2 } else { 1 };
            digit / 10 + digit % 10
        })
        .sum();
    format!("{first}{}", (10 - sum % 10) % 10)
}

fn taiwan_id(random: &mut fastrand::Rng) -> String {
    // A is 10: 1·1 + 0·9; then the digits by 8 … 1, then the check digit.
    let digits: Vec<u32> = std::iter::once(random.u32(1..3))
        .chain((0..7).map(|_| random.u32(0..10)))
        .collect();
    let sum: u32 = 1 + digits
        .iter()
        .zip((1..=8).rev())
        .map(|(d, weight)| d * weight)
        .sum::<u32>();
    let digits: String = digits.iter().map(ToString::to_string).collect();
    format!("A{digits}{}", (10 - sum % 10) % 10)
}

fn files(folder: &Path) -> Vec<PathBuf> {
    let entries = std::fs::read_dir(folder)
        .unwrap()
        .flatten()
        .map(|entry| entry.path());
    entries
        .flat_map(|path| {
            if path.is_dir() {
                files(&path)
            } else {
                vec![path]
            }
        })
        .collect()
}

/// Cases on three topics, with personal data in each.
fn cases_with_personal_data() -> Vec<Value> {
    let mut random = fastrand::Rng::with_seed(29);
    let topics = [
        (
            "急件維修要多少錢？",
            "急件維修加收 NT$650，檢測後 2 個工作天內修好。",
        ),
        (
            "禮物卡可以退嗎？",
            "禮物卡一經售出即不可退款，可以轉送他人。",
        ),
        (
            "can I bring my dog into the store?",
            "Dogs up to 12 kg are welcome in a carrier.",
        ),
    ];
    let case = |n: usize| {
        let (asks, says) = topics[n % topics.len()];
        let mut said: Vec<String> = (0..3)
            .map(|_| personal(&mut random))
            .map(|(cue, value)| format!("{cue} {value}"))
            .collect();
        let last = said.pop().unwrap();
        let customer = format!("customer{:06}", random.u32(..1_000_000));
        said.push(format!("登入帳號 {customer}"));
        json!({
            "id": format!("c{n}"), "outcome": "resolved", "customer_id": customer,
            "turns": [
                { "role": "customer", "text": format!("{}。{asks}", said.join("，")) },
                { "role": "agent", "text": format!("{says}{last}，對嗎？") },
                { "role": "customer", "text": "對，謝謝" },
            ],
        })
    };
    (0..N_CASES).map(case).collect()
}

/// All values in the vault of a folder.
async fn vault_values(folder: &Path) -> Vec<String> {
    let url = format!("sqlite://{}", folder.join("data/vault.db").display());
    let vault = Vault::open(&url).await.unwrap();
    let mut values: Vec<String> = Vec::new();
    for n in 0..N_CASES {
        let of = vault
            .values(&default_workspace(), &format!("c{n}"), None)
            .await
            .unwrap();
        values.extend(of.into_iter().map(|(_, value)| value));
    }
    vault.close().await;
    values.sort_unstable();
    values.dedup();
    assert!(
        values.len() > 2 * N_CASES,
        "the vault holds the personal data: {}",
        values.len()
    );
    values
}

/// The contents of all files of the service but the vault's, and of the requests to the model, by place.
fn places(folder: &Path, llm: &ScriptedLlm) -> Vec<(String, Vec<u8>)> {
    let is_vault = |path: &PathBuf| {
        let name = path.file_name().unwrap().to_string_lossy();
        name.starts_with("vault.db")
    };
    let mut places: Vec<(String, Vec<u8>)> = files(folder)
        .into_iter()
        .filter(|path| !is_vault(path))
        .map(|path| (path.display().to_string(), std::fs::read(&path).unwrap()))
        .collect();
    for (name, at_least) in [("ken.db", 10_000), ("log.txt", 1)] {
        let of_name = places.iter().filter(|(path, _)| path.contains(name));
        let size: usize = of_name.map(|(_, bytes)| bytes.len()).sum();
        assert!(size >= at_least, "{name} was read: {size} bytes");
    }
    let requests = llm.requests();
    let n_requests = requests.len();
    assert!(n_requests >= N_CASES, "each case was sent: {n_requests}");
    let requests = requests.into_iter();
    places.extend(requests.map(|r| ("a request".to_owned(), r.to_string().into_bytes())));
    places
}

#[tokio::test(flavor = "multi_thread")]
async fn vault_values_are_absent_from_store_index_log_and_requests() {
    let choice = r#"{"question": 1, "resolution": [2], "outcome": "resolved"}"#;
    let llm = ScriptedLlm::start(vec![Script::Says(choice.into())]).await;
    let folder = tempfile::tempdir().unwrap();
    let mut command = ken(folder.path());
    command
        .env("KEN_LLM__URL", &llm.url)
        .env("KEN_LLM__MODEL", "scripted")
        .env("KEN_LOG__FILTER", "info,ken=trace,tower_http=trace")
        .stderr(std::fs::File::create(folder.path().join("log.txt")).unwrap());
    let (mut service, address, _printed) = serve_with(command);
    let client = client();
    let post = async |path: &str, body: &Value| -> Value {
        let request = client.post(format!("{address}{path}")).json(body);
        let response = request.send().await.unwrap();
        let status = response.status();
        assert!(status.is_success(), "{path}: {status}");
        response.json().await.unwrap()
    };

    let cases = cases_with_personal_data();
    post("/v1/cases?wait=distilled", &json!({ "cases": cases })).await;
    let drafts = async || -> Vec<Draft> {
        let drafts = client.get(format!("{address}/v1/drafts?class=all")).send();
        let mut drafts: Value = drafts.await.unwrap().json().await.unwrap();
        read(drafts["drafts"].take())
    };
    let of_repairs = |draft: &Draft| draft.answer.contains("NT$650");
    // The request waits for 10 s at most.
    wait_until(async || drafts().await.iter().any(of_repairs)).await;
    let drafts = drafts().await;
    let draft = drafts.iter().find(|draft| of_repairs(draft)).unwrap();
    let approve = format!("/v1/drafts/{}:approve", draft.id);
    post(&approve, &json!({ "force": true })).await;

    let values = vault_values(folder.path()).await;
    let answer = post("/v1/answers", &json!({ "question": "急件維修要多少錢？" })).await;
    let answer: Answer = read(answer);
    assert_eq!(answer.outcome, "answered", "{answer:?}");
    let comment = format!("請打 {}", values[0]);
    let feedback = json!({ "answer_id": answer.id, "comment": comment, "helpful": false });
    post("/v1/feedback", &feedback).await;
    service.kill().unwrap();
    service.wait().unwrap();

    let any: Vec<String> = values.iter().map(|value| regex::escape(value)).collect();
    let any = regex::bytes::Regex::new(&any.join("|")).unwrap();
    for (place, bytes) in places(folder.path(), &llm) {
        let found = any
            .find(&bytes)
            .map(|found| String::from_utf8_lossy(found.as_bytes()));
        assert_eq!(found, None, "in {place}");
    }
}
