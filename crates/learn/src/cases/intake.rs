//! Accepts support cases: validates them, moves personal data to the vault and stores them. Idempotent by id and
//! content.

use jiff::Timestamp;
use uuid::Uuid;

use super::{CaseError, Cases, DISTIL, DistillPayload};
use ken_base::domain::{Case, WorkspaceId};
use ken_store::queue;
use ken_store::store::{CaseEffect, StoredCase};
use ken_text::redact::{PersonalDataKind, Redactor};
use ken_text::text::sha256_hex;

/// The most turns that a case may have.
pub const MAX_TURNS: usize = 1_000;
/// The longest text of a turn, in characters.
pub const MAX_TURN_CHARS: usize = 10_000;

/// An invalid value in a case.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CaseFault {
    /// A JSON pointer into the case.
    pub pointer: String,
    /// The expected value and the one found.
    pub detail: String,
}

/// The result of storing one case.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SubmittedCase {
    /// The case's id; derived from its content if the caller set none.
    pub id: String,
    /// Whether the case was created, changed or already stored.
    pub effect: CaseEffect,
    /// How many distinct pieces of personal data were replaced by placeholders.
    pub n_redacted: usize,
}

/// Returns every fault of a case; empty if it is valid.
pub fn check(case: &Case) -> Vec<CaseFault> {
    let mut faults = Vec::new();
    let mut require = |holds: bool, pointer: String, detail: String| {
        if !holds {
            faults.push(CaseFault { pointer, detail });
        }
    };
    let n = case.turns.len();
    require(
        (1..=MAX_TURNS).contains(&n),
        "/turns".into(),
        format!("expected 1 to {MAX_TURNS} turns, found {n}"),
    );
    for (at, turn) in case.turns.iter().enumerate() {
        let n = turn.text.chars().count();
        let detail = format!("expected at most {MAX_TURN_CHARS} characters, found {n}");
        require(n <= MAX_TURN_CHARS, format!("/turns/{at}/text"), detail);
    }
    let n = case.id.chars().count();
    let is_plain = !case.id.chars().any(char::is_control) && case.id.trim() == case.id;
    require(
        n <= 128 && is_plain,
        "/id".into(),
        format!(
            "expected 1 to 128 characters without control characters or outer spaces, found {n}"
        ),
    );
    require(
        case.csat.is_none_or(|csat| (1..=5).contains(&csat)),
        "/csat".into(),
        "expected 1 to 5".into(),
    );
    for (pointer, list) in [("/tags", &case.tags), ("/answer_ids", &case.answer_ids)] {
        let fits = list.len() <= 64
            && list
                .iter()
                .all(|name| (1..=128).contains(&name.chars().count()));
        require(
            fits,
            pointer.into(),
            "expected at most 64 names of 1 to 128 characters".into(),
        );
    }
    for (pointer, name) in [
        ("/channel", &case.channel),
        ("/product", &case.product),
        ("/agent", &case.agent),
        ("/customer_id", &case.customer_id),
        ("/conversation_id", &case.conversation_id),
    ] {
        let fits = name
            .as_ref()
            .is_none_or(|name| (1..=128).contains(&name.chars().count()));
        require(fits, pointer.into(), "expected 1 to 128 characters".into());
    }
    faults
}

/// A case without personal data, the hash of its original content, and the placeholders with the values they replace.
type Clean = (Case, String, Vec<(String, String)>);

/// The placeholder of the customer that a case is about.
const CUSTOMER: &str = "[customer:1]";

/// Returns the case with placeholders for personal data, and the placeholders with the values they replace.
pub fn without_personal_data(mut case: Case, redactor: &Redactor) -> (Case, Vec<(String, String)>) {
    let texts: Vec<&str> = case.turns.iter().map(|turn| turn.text.as_str()).collect();
    let about: Vec<&str> = [&case.agent, &case.product]
        .into_iter()
        .flatten()
        .chain(&case.tags)
        .map(String::as_str)
        .collect();
    let all: Vec<&str> = texts.into_iter().chain(about).collect();
    let customer = case.customer_id.as_deref();
    let known: Vec<(PersonalDataKind, String)> = customer
        .map(|id| (PersonalDataKind::Customer, id.to_owned()))
        .into_iter()
        .collect();
    let redacted = redactor.redact_with(&all, &known);
    let mut values = redacted.values;
    let mut clean = redacted.texts.into_iter();
    for turn in &mut case.turns {
        turn.text = clean.next().expect("as many come out as went in");
    }
    for field in [&mut case.agent, &mut case.product] {
        if field.is_some() {
            *field = clean.next();
        }
    }
    for tag in &mut case.tags {
        *tag = clean.next().expect("as many come out as went in");
    }
    // The customer's id is always replaced. In the texts, an id that is too short to recognize is not searched for.
    if let Some(id) = case.customer_id.take() {
        if !values
            .iter()
            .any(|(placeholder, _)| placeholder == CUSTOMER)
        {
            values.push((CUSTOMER.to_owned(), id));
        }
        case.customer_id = Some(CUSTOMER.to_owned());
    }
    (case, values)
}

impl Cases {
    /// Stores cases, all or none, and enqueues their distillation. A case without an id gets one from its content, so a
    /// case that is sent twice is stored once. Returns one result per case, in order.
    ///
    /// The inner `Err` lists the faults with the index of each faulty case; then nothing is stored.
    pub async fn submit(
        &self,
        workspace: &WorkspaceId,
        cases: Vec<Case>,
    ) -> Result<Result<Vec<SubmittedCase>, Vec<(usize, CaseFault)>>, CaseError> {
        let mut faults: Vec<(usize, CaseFault)> = Vec::new();
        for (at, case) in cases.iter().enumerate() {
            faults.extend(check(case).into_iter().map(|fault| (at, fault)));
        }
        if !faults.is_empty() {
            return Ok(Err(faults));
        }
        let redactor = self.redactor(workspace).await?;
        let clean = ken_base::blocking::blocking(move || -> Vec<Clean> {
            let clean = cases.into_iter().map(|mut case| {
                let content = serde_json::to_vec(&case).expect("a case is plain data");
                let hash = sha256_hex([&content]);
                if case.id.is_empty() {
                    case.id = format!("case_{}", &hash[..24]);
                }
                let (case, values) = without_personal_data(case, &redactor);
                (case, hash, values)
            });
            clean.collect()
        })
        .await;
        // The vault is written first, so that each stored case can be restored. An unchanged case is not touched, so
        // that its forgotten values stay forgotten.
        let _taking = self.intake_lock.lock().await;
        let ids: Vec<&str> = clean.iter().map(|(case, ..)| case.id.as_str()).collect();
        let mut now = self.store.case_hashes(workspace, &ids).await?;
        let mut fresh = Vec::new();
        let mut is_change = false;
        for (case, hash, values) in &clean {
            let known = now.get(&case.id);
            if known != Some(hash) {
                is_change |= known.is_some();
                fresh.push((case.id.clone(), hash.clone(), values.clone()));
                now.insert(case.id.clone(), hash.clone());
            }
        }
        self.vault.insert(workspace, &fresh).await?;
        // A changed case invalidates the plans that are being computed from its old content.
        let grouping = self.groupings.of(workspace);
        let _held = match is_change {
            true => {
                let mut guard = grouping.lock().await;
                guard.changed();
                Some(guard)
            }
            false => None,
        };
        let redacted: Vec<(Case, String)> = clean
            .iter()
            .map(|(case, hash, _)| (case.clone(), hash.clone()))
            .collect();
        let key = Uuid::now_v7().simple().to_string();
        let work = queue::work(DISTIL, &key, &DistillPayload::default());
        let effects = self.store.insert_cases(workspace, &redacted, work).await?;
        if is_change {
            for (id, ..) in &fresh {
                self.vault.retain(workspace, id, &now[id]).await?;
            }
        }
        self.waker.wake();
        let report = clean
            .into_iter()
            .zip(effects)
            .map(|((case, _, values), effect)| SubmittedCase {
                id: case.id,
                effect,
                n_redacted: values.len(),
            });
        Ok(Ok(report.collect()))
    }

    /// Returns a case with its personal data restored, as far as the vault still holds it.
    pub async fn revealed(
        &self,
        workspace: &WorkspaceId,
        stored: &StoredCase,
    ) -> Result<Case, CaseError> {
        let mut case = stored.case.clone();
        let hash = Some(stored.content_hash.as_str());
        let values = self.vault.values(workspace, &case.id, hash).await?;
        let back = |text: &str| ken_text::redact::restore(text, &values);
        for turn in &mut case.turns {
            turn.text = back(&turn.text);
        }
        let fields = [&mut case.agent, &mut case.customer_id, &mut case.product];
        for text in fields.into_iter().flatten() {
            *text = back(text);
        }
        for tag in &mut case.tags {
            *tag = back(tag);
        }
        Ok(case)
    }

    /// The current time by the store's clock.
    pub fn now(&self) -> Timestamp {
        self.store.now()
    }
}
