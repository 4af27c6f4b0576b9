//! PostgreSQL databases for tests. `KEN_TEST_POSTGRES_URL` names the server (`tools/postgres/with.sh` starts a private one).
//! With `KEN_TEST_STORE=postgres` all tests store their data there instead of in a file.

use std::path::Path;

use sqlx::{AnyConnection, Connection};

use crate::support::off_runtime;

/// The server for the tests that need PostgreSQL.
pub fn server() -> String {
    std::env::var("KEN_TEST_POSTGRES_URL").expect("KEN_TEST_POSTGRES_URL names no server")
}

/// The server, if all tests have their stores there.
pub fn chosen() -> Option<String> {
    let is_chosen = std::env::var("KEN_TEST_STORE").is_ok_and(|store| store == "postgres");
    is_chosen.then(server)
}

/// The URL of the database for a folder. Creates the database if it is missing.
pub fn database_for(server: &str, folder: &Path) -> String {
    let hash = ken_text::text::sha256_hex([folder.to_string_lossy().as_bytes()]);
    let name = format!("ken_test_{}", &hash[..24]);
    let mut url = reqwest::Url::parse(server).unwrap();
    url.set_path(&name);
    let server = server.to_owned();
    off_runtime(async move {
        sqlx::any::install_default_drivers();
        let mut connection = AnyConnection::connect(&server).await.unwrap();
        let (n_there,): (i64,) =
            sqlx::query_as("SELECT COUNT(*) FROM pg_database WHERE datname = $1")
                .bind(&name)
                .fetch_one(&mut connection)
                .await
                .unwrap();
        if n_there == 0 {
            let make = format!("CREATE DATABASE {name} TEMPLATE template0 ENCODING 'UTF8'");
            let make = sqlx::raw_sql(sqlx::AssertSqlSafe(make));
            make.execute(&mut connection).await.unwrap();
        }
        connection.close().await.unwrap();
    });
    url.into()
}
