//! Encoders: which one serves, which served before, and which is prepared.

use jiff::Timestamp;

use super::audit::AuditEvent;
use super::{Scope, Store, StoreError, from_json, time_of, to_json};
use ken_base::domain::EncoderReport;

/// An encoder that serves, served, or is prepared.
#[derive(Debug, Clone, PartialEq)]
pub struct Encoder {
    /// Number in order of preparation, from 1.
    pub number: i64,
    /// The argument of `ken reencode --to`; empty for the encoder of the settings.
    pub spec: String,
    /// `building`, `serving`, `former`, `refused` or `stopped`.
    pub state: String,
    /// Whether it serves even if judged questions regress.
    pub anyway: bool,
    /// Progress and results of the preparation.
    pub report: EncoderReport,
    /// When its preparation began.
    pub created_at: Timestamp,
}

type EncoderRow = (i64, String, String, i64, String, i64);

impl Store {
    /// All encoders, by number. If none serves, the encoder of the settings does.
    pub async fn encoders(&self) -> Result<Vec<Encoder>, StoreError> {
        let rows: Vec<EncoderRow> = sqlx::query_as(
            "SELECT number, spec, state, anyway, report, created_at FROM encoders ORDER BY number",
        )
        .fetch_all(&self.relaxed)
        .await?;
        rows.into_iter()
            .map(|(number, spec, state, anyway, report, created_at)| {
                Ok(Encoder {
                    number,
                    spec,
                    state,
                    anyway: anyway == 1,
                    report: from_json("an encoder's report", &report)?,
                    created_at: time_of(created_at)?,
                })
            })
            .collect()
    }

    /// Records the preparation of an encoder and returns its number; `None` if an encoder is being prepared or this one
    /// serves already.
    pub async fn prepare_encoder(
        &self,
        spec: &str,
        anyway: bool,
    ) -> Result<Option<i64>, StoreError> {
        let mut tx = self.begin().await?;
        let (n_building, last): (i64, i64) = sqlx::query_as(
            "SELECT COUNT(CASE WHEN state = 'building' THEN 1 END), COALESCE(MAX(number), 0) FROM encoders",
        )
        .fetch_one(&mut *tx)
        .await?;
        let (n_serving,): (i64,) =
            sqlx::query_as("SELECT COUNT(*) FROM encoders WHERE state = 'serving' AND spec = $1")
                .bind(spec)
                .fetch_one(&mut *tx)
                .await?;
        if n_building + n_serving > 0 {
            return Ok(None);
        }
        sqlx::query(
            "INSERT INTO encoders (number, spec, state, anyway, report, created_at, updated_at) \
             VALUES ($1, $2, 'building', $3, $4, $5, $5)",
        )
        .bind(last + 1)
        .bind(spec)
        .bind(i64::from(anyway))
        .bind(to_json(&EncoderReport::default()))
        .bind(self.now_ms())
        .execute(&mut *tx)
        .await?;
        let act = AuditEvent::new("encoder.prepare", spec).after(spec);
        self.note(&mut tx, Scope::Service, vec![act]).await?;
        tx.commit().await?;
        Ok(Some(last + 1))
    }

    /// Writes the report of an encoder that is being prepared.
    pub async fn report_encoder(
        &self,
        number: i64,
        report: &EncoderReport,
    ) -> Result<(), StoreError> {
        sqlx::query(
            "UPDATE encoders SET report = $1, updated_at = $2 WHERE number = $3 AND state = 'building'",
        )
        .bind(to_json(report))
        .bind(self.now_ms())
        .bind(number)
        .execute(&self.relaxed)
        .await?;
        Ok(())
    }

    /// Ends the preparation of an encoder that does not serve, with the state `refused` or `stopped`; `false` if it is
    /// not being prepared.
    pub async fn end_encoder(&self, number: i64, state: &str) -> Result<bool, StoreError> {
        let end = sqlx::query(
            "UPDATE encoders SET state = $1, updated_at = $2 WHERE number = $3 AND state = 'building'",
        )
        .bind(state)
        .bind(self.now_ms())
        .bind(number);
        let act = AuditEvent::new("encoder.end", number.to_string()).after(state);
        Ok(self.change(Scope::Service, act, end).await? == 1)
    }

    /// Lets a prepared encoder serve; the previous one becomes the former. `false` if the preparation was stopped.
    pub async fn switch_encoder(&self, number: i64) -> Result<bool, StoreError> {
        let mut tx = self.begin().await?;
        let encoders = self.encoders().await?;
        let is = |state: &str| encoders.iter().find(|encoder| encoder.state == state);
        let before = is("serving").map_or("", |encoder| &encoder.spec);
        let Some(chosen) = is("building").filter(|encoder| encoder.number == number) else {
            return Ok(false);
        };
        self.serve_in(&mut tx, &chosen.spec, before, number).await?;
        tx.commit().await?;
        Ok(true)
    }

    /// Lets the former encoder serve again, or that of the settings if there is none. Returns its spec; `None` if only
    /// the encoder of the settings ever served.
    pub async fn roll_back_encoder(&self) -> Result<Option<String>, StoreError> {
        let mut tx = self.begin().await?;
        let encoders = self.encoders().await?;
        let Some(serving) = encoders.iter().find(|encoder| encoder.state == "serving") else {
            return Ok(None);
        };
        let former = encoders.iter().rfind(|encoder| encoder.state == "former");
        let spec = former.map_or(String::new(), |encoder| encoder.spec.clone());
        let last = encoders.last().map_or(0, |encoder| encoder.number);
        sqlx::query(
            "INSERT INTO encoders (number, spec, state, anyway, report, created_at, updated_at) \
             VALUES ($1, $2, 'building', 1, $3, $4, $4)",
        )
        .bind(last + 1)
        .bind(&spec)
        .bind(to_json(&EncoderReport::default()))
        .bind(self.now_ms())
        .execute(&mut *tx)
        .await?;
        self.serve_in(&mut tx, &spec, &serving.spec, last + 1)
            .await?;
        tx.commit().await?;
        Ok(Some(spec))
    }

    async fn serve_in(
        &self,
        tx: &mut sqlx::Transaction<'_, sqlx::Any>,
        spec: &str,
        before: &str,
        number: i64,
    ) -> Result<(), StoreError> {
        for (from, to) in [("former", "stopped"), ("serving", "former")] {
            sqlx::query("UPDATE encoders SET state = $1, updated_at = $2 WHERE state = $3")
                .bind(to)
                .bind(self.now_ms())
                .bind(from)
                .execute(&mut **tx)
                .await?;
        }
        sqlx::query("UPDATE encoders SET state = 'serving', updated_at = $1 WHERE number = $2")
            .bind(self.now_ms())
            .bind(number)
            .execute(&mut **tx)
            .await?;
        let act = AuditEvent::new("encoder.switch", spec)
            .before(before)
            .after(spec);
        self.note(tx, Scope::Service, vec![act]).await
    }
}
