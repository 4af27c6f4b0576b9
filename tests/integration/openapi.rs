use crate::support::TestApp;

#[tokio::test(flavor = "multi_thread")]
async fn the_openapi_document_is_as_agreed() {
    let app = TestApp::start().await;
    let (_, document) = app.get("/openapi.json").await;
    insta::with_settings!({ sort_maps => true }, { insta::assert_json_snapshot!(document) });
}
