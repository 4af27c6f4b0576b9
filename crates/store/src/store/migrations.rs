//! Schema migrations: the files in `migrations/`, each applied once, in order.
//!
//! A list replaces the `migrate!` macro of sqlx, which would compile both database drivers a second time for use at
//! compile time.

use std::borrow::Cow;

use sqlx::SqlStr;
use sqlx::migrate::{Migration, MigrationType, Migrator};

/// Number, name and SQL of each migration.
const ALL: [(i64, &str, &str); 24] = [
    (1, "init", include_str!("../../migrations/0001_init.sql")),
    (
        2,
        "synonyms",
        include_str!("../../migrations/0002_synonyms.sql"),
    ),
    (
        3,
        "editing",
        include_str!("../../migrations/0003_editing.sql"),
    ),
    (
        4,
        "answers",
        include_str!("../../migrations/0004_answers.sql"),
    ),
    (
        5,
        "learning",
        include_str!("../../migrations/0005_learning.sql"),
    ),
    (6, "keys", include_str!("../../migrations/0006_keys.sql")),
    (7, "trust", include_str!("../../migrations/0007_trust.sql")),
    (
        8,
        "encoders",
        include_str!("../../migrations/0008_encoders.sql"),
    ),
    (9, "queue", include_str!("../../migrations/0009_queue.sql")),
    (
        10,
        "distilling",
        include_str!("../../migrations/0010_distilling.sql"),
    ),
    (
        11,
        "trials",
        include_str!("../../migrations/0011_trials.sql"),
    ),
    (
        12,
        "sessions",
        include_str!("../../migrations/0012_sessions.sql"),
    ),
    (13, "lists", include_str!("../../migrations/0013_lists.sql")),
    (
        14,
        "judged runs and originals",
        include_str!("../../migrations/0014_judged_runs_and_originals.sql"),
    ),
    (
        15,
        "imports",
        include_str!("../../migrations/0015_imports.sql"),
    ),
    (16, "due", include_str!("../../migrations/0016_due.sql")),
    (17, "desk", include_str!("../../migrations/0017_desk.sql")),
    (
        18,
        "gap closures",
        include_str!("../../migrations/0018_gap_closures.sql"),
    ),
    (
        19,
        "desk messages",
        include_str!("../../migrations/0019_desk_messages.sql"),
    ),
    (
        20,
        "attachments",
        include_str!("../../migrations/0020_attachments.sql"),
    ),
    (
        21,
        "platforms",
        include_str!("../../migrations/0021_platforms.sql"),
    ),
    (
        22,
        "webhooks",
        include_str!("../../migrations/0022_webhooks.sql"),
    ),
    (23, "mail", include_str!("../../migrations/0023_mail.sql")),
    (
        24,
        "platform files",
        include_str!("../../migrations/0024_platform_files.sql"),
    ),
];

/// All migrations in order.
pub fn migrator() -> Migrator {
    let all = ALL.iter().map(|(number, name, sql)| {
        let sql = SqlStr::from_static(sql);
        Migration::new(
            *number,
            Cow::Borrowed(*name),
            MigrationType::Simple,
            sql,
            false,
        )
    });
    Migrator::with_migrations(all.collect())
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::*;

    /// The list equals what sqlx reads from the folder, so stores that its macro set up stay valid.
    #[tokio::test]
    async fn migration_list_matches_folder() {
        let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("migrations");
        let in_folder = Migrator::new(folder.as_path()).await.unwrap();
        let of = |migrator: &Migrator| -> Vec<(i64, String, Vec<u8>, bool)> {
            let all = migrator.iter();
            all.map(|m| {
                (
                    m.version,
                    m.description.to_string(),
                    m.checksum.to_vec(),
                    m.no_tx,
                )
            })
            .collect()
        };
        assert_eq!(of(&migrator()), of(&in_folder));
    }
}
