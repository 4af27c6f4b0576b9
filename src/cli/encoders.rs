//! The command `reencode`.

use std::process::ExitCode;
use std::sync::Arc;
use std::time::Duration;

use clap::Args;
use ken::app::App;
use ken::encoders;
use ken::http::CurrentApp;
use ken::reencode::Reencoding;
use ken_base::config::Config;
use ken_base::domain::EncoderReport;
use ken_store::store::Store;
use serde_json::json;

use super::operations::open_store;

/// How often the progress is read.
const LOOK: Duration = Duration::from_millis(500);

#[derive(Args)]
#[group(required = true, multiple = false)]
pub struct ReencodeArgs {
    /// Prepare this encoder and switch to it: folders in models.dir, as `NAME` or `NAME=SHARE,NAME=SHARE`
    #[arg(long, value_name = "MODEL")]
    to: Option<String>,
    /// Switch back to the previous encoder
    #[arg(long)]
    back: bool,
    /// Cancel the encoder in preparation
    #[arg(long)]
    stop: bool,
    /// List previous, current and prepared encoders
    #[arg(long)]
    list: bool,
}

/// `ken reencode`: requests, cancels or lists switches of the encoder.
pub async fn reencode(
    config: Config,
    what: ReencodeArgs,
    anyway: bool,
) -> anyhow::Result<ExitCode> {
    let store = open_store(&config).await?;
    if let Some(spec) = &what.to {
        // An invalid spec fails before anything is stored.
        encoders::parts_of(spec, &config.models.dir)?;
        let spec: Vec<&str> = spec.split(',').map(str::trim).collect();
        if store
            .prepare_encoder(&spec.join(","), anyway)
            .await?
            .is_none()
        {
            anyhow::bail!(
                "this encoder is already in use, or another is being prepared: see `ken reencode --list`, cancel with `--stop`"
            );
        }
    } else if what.back {
        match store.roll_back_encoder().await? {
            Some(spec) => println!("switching back to {}", name_of(&spec)),
            None => anyhow::bail!("no previous encoder"),
        }
    } else if what.stop {
        let building = store.encoders().await?;
        let building = building.iter().find(|encoder| encoder.state == "building");
        match building {
            Some(encoder) => store.end_encoder(encoder.number, "stopped").await?,
            None => anyhow::bail!("no encoder is being prepared"),
        };
    }
    if what.list || what.stop {
        for encoder in store.encoders().await? {
            let line = json!({
                "number": encoder.number, "encoder": name_of(&encoder.spec), "state": encoder.state,
                "at": encoder.created_at, "report": encoder.report,
            });
            println!("{line}");
        }
        store.close().await;
        return Ok(ExitCode::SUCCESS);
    }
    let (app, spec) = App::build_serving(config.clone()).await?;
    let serves_elsewhere = !app.indexes.is_writer() || (store.is_shared() && !leads(&app).await);
    let code = match serves_elsewhere {
        true => {
            println!("the running service prepares the encoder and keeps answering");
            app.close().await;
            follow(&store).await?
        }
        false => {
            let current = Arc::new(CurrentApp::new(Arc::new(app)));
            let mut work = Reencoding::new(config, current.clone(), spec);
            while !work.attend().await? {
                tokio::time::sleep(LOOK).await;
            }
            current.app().close().await;
            follow(&store).await?
        }
    };
    store.close().await;
    Ok(code)
}

/// Whether this process is the leader, after a short wait.
async fn leads(app: &App) -> bool {
    let mut leads = app.leadership.watch();
    let led = tokio::time::timeout(Duration::from_secs(3), leads.wait_for(|leads| *leads)).await;
    led.is_ok_and(|led| led.is_ok())
}

fn name_of(spec: &str) -> &str {
    match spec {
        "" => "the encoder of the settings",
        spec => spec,
    }
}

/// Prints the progress until the switch is finished.
async fn follow(store: &Store) -> anyhow::Result<ExitCode> {
    let mut reported = EncoderReport::default();
    loop {
        let encoders = store.encoders().await?;
        let Some(last) = encoders.last() else {
            return Ok(ExitCode::SUCCESS);
        };
        if last.report != reported {
            reported = last.report.clone();
            println!("{} texts encoded", reported.n_encoded);
            if let Some(scores) = reported.scores {
                println!(
                    "judged questions: {} of {} correct before, {} after; {} of {} documents ranked first before, {} after",
                    scores.right_before,
                    scores.n_judged,
                    scores.right_after,
                    scores.first_before,
                    scores.n_with_document,
                    scores.first_after
                );
            }
        }
        match last.state.as_str() {
            "building" => tokio::time::sleep(LOOK).await,
            "serving" => {
                println!("switched to {}", name_of(&last.spec));
                return Ok(ExitCode::SUCCESS);
            }
            "refused" => {
                println!(
                    "{} performs worse on judged questions; not switched; pass --anyway to switch",
                    name_of(&last.spec)
                );
                return Ok(ExitCode::FAILURE);
            }
            state => {
                println!("{}: {state}", name_of(&last.spec));
                return Ok(ExitCode::FAILURE);
            }
        }
    }
}
