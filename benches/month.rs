//! Runs the simulated month with and without learning: `cargo bench --bench month`. Prints the figures of
//! `docs/measured/learning.md` and draws `docs/measured/month.svg`.

#[path = "../tests/month/mod.rs"]
mod month;

use std::path::Path;

use ken::app::{App, default_workspace};
use ken_base::config::Config;
use ken_base::domain::Clock;
use ken_knowledge::editing::files;
use ken_search::embed::Embedder;
use month::{Month, Plan};
use plotters::prelude::*;

/// The number of days that a point of the curve averages, since single days are noisy.
const SMOOTH: usize = 3;

fn main() {
    let _exporting = ken::telemetry::start(&Config::default().log, "warn");
    let runtime = tokio::runtime::Runtime::new().expect("a runtime");
    let (on, off) = runtime.block_on(async {
        let embedder = Embedder::open(&Config::default().completed().encoder)
            .expect("the models are prepared: run `ken setup`");
        (
            one(embedder.clone(), true).await,
            one(embedder, false).await,
        )
    });
    for (name, month) in [("on", &on), ("off", &off)] {
        println!("loop {name}");
        for week in 0..4 {
            let days = week * 7..week * 7 + 7;
            println!(
                "  week {}: resolved {:.1} %, wrong {:.1} %",
                week + 1,
                100.0 * month.share(days.clone(), |d| d.resolved),
                100.0 * month.share(days, |d| d.wrong)
            );
        }
    }
    println!(
        "cases {}, approved {}, rejected {}, held back {:?}",
        on.n_cases, on.n_approved, on.n_rejected, on.held_back
    );
    println!("demoted {:?}, wrongly {:?}", on.demoted, on.demoted_wrongly);
    for (name, month) in [("on", &on), ("off", &off)] {
        let late = month
            .planted_cited
            .iter()
            .filter(|(day, _)| *day >= 14)
            .count();
        println!(
            "loop {name}: planted answers cited {} times, {late} of them in the second half",
            month.planted_cited.len()
        );
    }
    for learned in &on.tuned {
        println!(
            "settings {}",
            serde_json::to_string(learned).expect("it is plain data")
        );
    }
    println!("planted wordings {:?}", on.variants);
    draw(
        &on,
        &off,
        &Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/measured/month.svg"),
    )
    .expect("the chart is written");
}

async fn one(embedder: Embedder, is_learning: bool) -> Month {
    let folder = tempfile::tempdir().expect("a folder");
    let mut config = Config::default();
    config.store.url = format!("sqlite://{}", folder.path().join("ken.db").display());
    config.index.dir = folder.path().join("indexes");
    config.ingest.reader = Path::new(env!("CARGO_BIN_EXE_ken")).with_file_name("ken-read");
    let clock = Clock::fixed(month::start());
    let app = App::build_at(config.completed(), embedder, clock.clone())
        .await
        .expect("it starts");
    let knowledge = Path::new(env!("CARGO_MANIFEST_DIR")).join("corpus/shop/knowledge");
    let report = files::ingest(
        app.ingester(),
        &default_workspace(),
        &[knowledge],
        files::IngestOptions::default(),
        |_, _| {},
    )
    .await
    .expect("the shop is ingested");
    assert!(report.failed.is_empty(), "{:?}", report.failed);
    let plan = Plan {
        seed: 7,
        days: 28,
        questions_a_day: 60,
        is_learning,
    };
    let month = month::run(&app, &clock, plan).await;
    app.close().await;
    month
}

fn draw(on: &Month, off: &Month, path: &Path) -> Result<(), Box<dyn std::error::Error>> {
    let root = SVGBackend::new(path, (860, 420)).into_drawing_area();
    root.fill(&WHITE)?;
    let mut chart = ChartBuilder::on(&root)
        .margin(12)
        .caption(
            "A simulated month: share of questions resolved, and answered wrongly",
            ("sans-serif", 17),
        )
        .x_label_area_size(34)
        .y_label_area_size(46)
        .build_cartesian_2d(1f64..28f64, 0f64..100f64)?;
    chart
        .configure_mesh()
        .x_desc("day")
        .y_desc("%")
        .light_line_style(WHITE)
        .draw()?;
    let curves: [(&Month, bool, RGBColor, &str); 4] = [
        (on, true, RGBColor(0, 110, 90), "resolved, loop on"),
        (off, true, RGBColor(130, 190, 175), "resolved, loop off"),
        (on, false, RGBColor(180, 40, 30), "wrong, loop on"),
        (off, false, RGBColor(230, 150, 140), "wrong, loop off"),
    ];
    for (month, resolved, colour, label) in curves {
        let points = (0..month.days.len()).map(|day| {
            let span = day.saturating_sub(SMOOTH - 1)..day + 1;
            let count = |d: &month::Day| if resolved { d.resolved } else { d.wrong };
            (day as f64 + 1.0, 100.0 * month.share(span, count))
        });
        chart
            .draw_series(LineSeries::new(points, colour.stroke_width(2)))?
            .label(label)
            .legend(move |(x, y)| PathElement::new([(x, y), (x + 18, y)], colour.stroke_width(2)));
    }
    chart
        .configure_series_labels()
        .position(SeriesLabelPosition::UpperRight)
        .background_style(WHITE)
        .border_style(BLACK.mix(0.2))
        .draw()?;
    root.present()?;
    Ok(())
}
