//! Questions about one of several similar things: the right thing, row or list is chosen, and a missing one is refused.

use serde_json::json;

use crate::support::TestApp;

async fn with(documents: &[(&str, &str)], faqs: &[(&str, &str)]) -> TestApp {
    let app = TestApp::start().await;
    for (i, (question, answer)) in faqs.iter().enumerate() {
        let body = json!({ "question": question, "answer": answer });
        let path = format!("/v1/faqs/f{i}?wait=indexed");
        let (status, reply) = app.request(reqwest::Method::PUT, &path, Some(body)).await;
        assert!(status.is_success(), "{reply:#}");
    }
    for (id, text) in documents {
        app.put(id, json!({ "text": text })).await;
    }
    app
}

/// An answer that holds the one and not the other.
async fn answered(app: &TestApp, question: &str, holds: &str, lacks: &str) {
    let answer = app.ask(question).await;
    assert_eq!(answer.outcome, "answered", "{question}: {answer:#?}");
    assert!(answer.text.contains(holds), "{question}: {answer:#?}");
    assert!(!answer.text.contains(lacks), "{question}: {answer:#?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn faqs_differing_by_code_do_not_contradict() {
    let faqs = [
        ("灰鍋 310 號的保固多久？", "灰鍋 310 號保固 8 個月。"),
        ("灰鍋 311 號的保固多久？", "灰鍋 311 號保固 30 個月。"),
        ("綠鍋 310 號的保固多久？", "綠鍋 310 號保固 5 個月。"),
    ];
    let app = with(&[], &faqs).await;
    answered(&app, "灰鍋 310 號的保固多久？", "8 個月", "30 個月").await;
    answered(&app, "灰鍋311號保固多久", "30 個月", "5 個月").await;
    let answer = app.ask("灰鍋 317 號的保固多久？").await;
    assert_eq!(answer.outcome, "refused", "{answer:#?}");
    assert_eq!(
        answer.reason.as_deref(),
        Some("similar_only"),
        "{answer:#?}"
    );
    assert!(answer.text.contains("灰鍋 31"), "{answer:#?}");
    app.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn unnamed_branch_is_clarified_and_named_branch_answered() {
    let branches = [
        (
            "a",
            "# 湖濱店（宜蘭）\n\n營業時間 9:30–19:30，電話 03-555-0101。",
        ),
        (
            "b",
            "# 湖濱店（高雄）\n\n營業時間 12:00–23:00，電話 07-555-0202。",
        ),
    ];
    let app = with(&branches, &[]).await;
    answered(&app, "宜蘭的湖濱店電話", "03-555-0101", "07-555-0202").await;
    answered(&app, "高雄湖濱店營業時間", "12:00", "9:30").await;
    let answer = app.ask("湖濱店電話").await;
    assert_eq!(answer.outcome, "clarify", "{answer:#?}");
    let mut offered = answer.suggestions.clone();
    offered.sort_unstable();
    assert_eq!(offered, ["湖濱店（宜蘭）", "湖濱店（高雄）"], "{answer:#?}");
    app.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn unknown_plan_is_refused_without_figures_of_others() {
    let plans = [
        ("a", "# 晨間方案\n\n月費 320 元，6:00–10:00 入場。"),
        ("b", "# 夜間方案\n\n月費 450 元，20:00–24:00 入場。"),
        ("c", "# 全日方案\n\n月費 990 元，不限時段。"),
    ];
    let app = with(&plans, &[]).await;
    answered(&app, "夜間方案月費多少", "450", "320").await;
    let answer = app.ask("家庭方案月費多少").await;
    assert_eq!(answer.outcome, "refused", "{answer:#?}");
    for figure in ["320", "450", "990"] {
        assert!(!answer.text.contains(figure), "{answer:#?}");
    }
    app.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn exact_faq_question_takes_precedence_over_handoff() {
    let faqs = [
        (
            "如何聯絡客服人員？",
            "請撥 02-7700-1234，每日 10:00–18:00。",
        ),
        ("積分幾時到期？", "企業戶的積分不會到期。"),
    ];
    let app = with(&[], &faqs).await;
    // A wish for a person otherwise.
    answered(&app, "如何聯絡客服人員", "02-7700-1234", "轉接").await;
    answered(&app, "積分幾時到期？", "不會到期", "02-7700").await;
    let answer = app.ask("我要找客服人員").await;
    assert_eq!(
        answer.reason.as_deref(),
        Some("asked_for_person"),
        "{answer:#?}"
    );
    app.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn follow_up_about_another_row_returns_only_that_row() {
    let table = "# 帳篷比較\n\n| 型號 | 重量 | 可睡 | 防水 |\n|---|---|---|---|\n| 峰影 C1 | 2.4 kg | 2 人 | 1500 mm |\n| 峰影 C2 | 3.1 kg | 4 人 | 3000 mm |\n";
    let app = with(&[("tents", table)], &[]).await;
    let ask = async |question: &str| {
        let body = json!({ "question": question, "conversation_id": "c" });
        app.answer(body).await
    };
    for (question, holds, lacks) in [
        ("峰影 C1 多重", "2.4 kg", "3.1 kg"),
        ("那 C2 呢", "3.1 kg", "2.4 kg"),
        ("它防水嗎", "3000 mm", "1500 mm"),
    ] {
        let answer = ask(question).await;
        let said = &answer.text;
        assert!(
            said.contains(holds) && !said.contains(lacks),
            "{question}: {answer:#?}"
        );
    }
    app.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn several_questions_are_each_answered_or_reported() {
    let documents = [
        ("a", "# 洗衣\n\n洗衣每袋 180 元。"),
        ("b", "# 寵物\n\n寵物每晚加收 500 元。"),
        ("c", "# 早餐\n\n早餐 6:30 開始供應。"),
    ];
    let app = with(&documents, &[]).await;
    let answer = app.ask("洗衣每袋多少？可以帶寵物嗎？早餐幾點開始？").await;
    for said in ["180", "500", "6:30"] {
        assert!(answer.text.contains(said), "{answer:#?}");
    }
    let answer = app.ask("洗衣每袋多少？有接駁車嗎？早餐幾點開始？").await;
    for said in ["180", "第 2 個", "6:30"] {
        assert!(answer.text.contains(said), "{answer:#?}");
    }
    assert_eq!(answer.notes, ["partly_answered"], "{answer:#?}");
    app.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn tiers_joined_by_semicolons_are_quoted_whole() {
    let fares = "# 纜車票價\n\n身高未滿 90 公分免費；90 公分以上未滿 115 公分 60 元；115 公分至 150 公分 110 元；逾 150 公分 220 元；滿 70 歲 90 元。\n\n颱風日停駛，票可退。\n\n團體另計。";
    let app = with(&[("fares", fares)], &[]).await;
    answered(
        &app,
        "纜車票價，身高 160 公分",
        "逾 150 公分 220 元",
        "颱風",
    )
    .await;
    answered(&app, "75 歲纜車票價多少", "滿 70 歲 90 元", "颱風").await;
    app.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn list_under_asked_heading_is_quoted_whole() {
    let rules = "# 借用等級\n\n初級可借 3 件，中級可借 6 件，高級可借 9 件。\n\n## 初級\n\n- 帳篷\n- 睡墊\n\n## 中級\n\n- 爐具\n- 頭燈\n\n## 高級\n\n- 雪鏟\n- 冰爪\n";
    let app = with(&[("rules", rules)], &[]).await;
    let answer = app.ask("高級可以借哪些？").await;
    for said in ["雪鏟", "冰爪"] {
        assert!(answer.text.contains(said), "{answer:#?}");
    }
    assert!(!answer.text.contains("爐具"), "{answer:#?}");
    app.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn list_continuing_in_next_passage_is_noted() {
    let app = TestApp::start_with(|config| config.answer.min_confidence = Some(0.0)).await;
    let depot = |i: usize| {
        format!(
            "{i}. 第 {i} 倉：工業路 {} 號，電話 07-555-{:04}\n",
            i * 9,
            i * 71
        )
    };
    let list = |n: usize| (1..=n).map(depot).collect::<String>();
    app.put(
        "many",
        json!({ "text": format!("# 倉庫\n\n全部倉庫如下：\n\n{}", list(45)) }),
    )
    .await;
    let answer = app.ask("有哪些倉庫？").await;
    assert!(answer.text.contains("第 1 倉"), "{answer:#?}");
    assert!(!answer.text.contains("第 45 倉"), "{answer:#?}");
    assert_eq!(answer.notes, ["list_continues"], "{answer:#?}");
    assert!(answer.text.ends_with("其餘請見來源。）"), "{answer:#?}");
    app.put(
        "many",
        json!({ "text": format!("# 倉庫\n\n全部倉庫如下：\n\n{}", list(4)) }),
    )
    .await;
    let answer = app.ask("有哪些倉庫？").await;
    assert!(answer.text.contains("第 4 倉"), "{answer:#?}");
    assert!(answer.notes.is_empty(), "{answer:#?}");
    app.stop().await;
}
