//! A shortened run of the simulated month in `tests/month`; `cargo bench --bench month` runs the whole month.

use std::sync::Arc;

use ken::app::App;
use ken_base::domain::Clock;

use crate::month::{self, Month, Plan};
use crate::support::{TestApp, config_in, embedder};

async fn month(is_learning: bool) -> Month {
    let folder = Arc::new(tempfile::tempdir().unwrap());
    let clock = Clock::fixed(month::start());
    let encoder = tokio::task::spawn_blocking(embedder).await.unwrap();
    let app = App::build_at(config_in(folder.path()), encoder, clock.clone())
        .await
        .unwrap();
    let shop = TestApp::serve(Arc::new(app), folder).await;
    shop.ingest_shop().await;
    let plan = Plan {
        seed: 7,
        days: 14,
        questions_a_day: 20,
        is_learning,
    };
    let month = month::run(&shop.app, &clock, plan).await;
    shop.stop().await;
    month
}

#[tokio::test(flavor = "multi_thread")]
async fn learning_loop_improves_resolution_and_off_changes_nothing() {
    let (on, off) = tokio::join!(month(true), month(false));
    let (first, last) = (0..7, 7..14);
    let resolved = |month: &Month, days: &std::ops::Range<usize>| {
        month.share(days.clone(), |day| day.resolved)
    };
    let wrong =
        |month: &Month, days: &std::ops::Range<usize>| month.share(days.clone(), |day| day.wrong);
    let months = format!("on {on:?}\noff {off:?}");
    assert!(resolved(&on, &last) > resolved(&on, &first), "{months}");
    assert!(
        resolved(&on, &last) > resolved(&off, &last) + 0.15,
        "{months}"
    );
    assert!(wrong(&on, &last) < wrong(&off, &last) - 0.1, "{months}");
    assert!(
        (resolved(&off, &last) - resolved(&off, &first)).abs() < 0.1,
        "{months}"
    );
    assert!(on.demoted_wrongly.is_empty(), "{months}");
    let refused = on
        .variants
        .iter()
        .filter(|(_, came)| came.starts_with("refused"));
    assert!(refused.count() >= 2, "{months}");
    assert!(off.demoted.is_empty() && off.n_cases == 0, "{months}");
}
