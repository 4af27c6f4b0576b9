//! Floors on the sample shop's judged questions, by the same code as `ken eval`.

use ken::domain::Mode;
use ken::eval::{Dataset, Evaluation};

use crate::support::{config_in, root};

#[tokio::test(flavor = "multi_thread")]
async fn the_sample_shop_keeps_its_floors() {
    let dataset = Dataset::load(&root().join("corpus/shop")).unwrap();
    assert_eq!(dataset.queries.len(), 120);
    let folder = tempfile::tempdir().unwrap();
    let evaluation = Evaluation::open(&config_in(folder.path()), None)
        .await
        .unwrap();
    let report = evaluation
        .run(&dataset, Mode::Hybrid, |_, _| {})
        .await
        .unwrap();
    evaluation.close().await;
    assert_eq!(report.n_judged, 90);
    assert!(report.success_1 >= 0.54, "{report:#?}");
    assert!(report.success_5 >= 0.80, "{report:#?}");
    assert!(report.ndcg_10 >= 0.60, "{report:#?}");
    let admission = report.admission.as_ref().unwrap();
    assert!(admission.auroc >= 0.56, "{report:#?}");
    let answers = report.answers.as_ref().unwrap();
    assert_eq!(answers.citation_valid, 1.0, "{report:#?}");
    assert_eq!(answers.sentences_unsupported, 0.0, "{report:#?}");
    assert!(answers.n_citations > 0);
}
