//! Measures the encoder alone: a question of about 15 tokens, and passages of about 200 tokens in batches as in
//! ingestion.

use std::sync::OnceLock;

use divan::Bencher;
use divan::counter::ItemsCount;
use ken_base::config::Config;
use ken_search::embed::Embedder;

fn main() {
    divan::main();
}

fn embedder() -> &'static Embedder {
    static EMBEDDER: OnceLock<Embedder> = OnceLock::new();
    EMBEDDER.get_or_init(|| {
        let config = Config::load(None).expect("the settings");
        Embedder::open(&config.encoder).expect("the models are prepared: run `ken setup`")
    })
}

#[divan::bench(sample_count = 200)]
fn question(bencher: Bencher) {
    let embedder = embedder();
    bencher.bench(|| {
        embedder
            .embed_questions(vec!["請問耳機買了三天想退貨，運費由誰負擔？".into()])
            .expect("a vector")
    });
}

#[divan::bench(args = [1, 32, 128], sample_count = 5)]
fn passages(bencher: Bencher, n: usize) {
    let embedder = embedder();
    let passage =
        "商品到貨後七天內可以申請退貨，退款會在十四個工作天內退回原付款方式，離島運費另計。"
            .repeat(6);
    bencher.counter(ItemsCount::new(n)).bench(|| {
        embedder
            .embed_passages((0..n).map(|i| format!("{i} {passage}")).collect())
            .expect("vectors")
    });
}
