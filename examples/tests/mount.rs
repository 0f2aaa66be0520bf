//! The programs below a path of their own: whatever leaves them begins with it.

#![allow(clippy::unwrap_used, reason = "a test fails where it panics")]

use axum::{
    Router,
    body::{Body, to_bytes},
    http::{Request, StatusCode, header},
};
use dewar::SessionLayer;
use dewar_examples::{flash, login, stocks};
use tower::ServiceExt;

const KEY: &str = "9cK3wPq0fUq7Zt2LmXbR5yA1hV8sE4jN6dG";

fn mounted(path: &str, program: Router) -> Router {
    let sessions = SessionLayer::signed_cookie(KEY).path(path).build().unwrap();
    Router::new().nest_service(path, program.layer(sessions))
}

async fn location(app: Router, path: &str, form: &'static str) -> String {
    let request = Request::post(path)
        .header(header::CONTENT_TYPE, "application/x-www-form-urlencoded")
        .body(Body::from(form))
        .unwrap();
    let response = app.oneshot(request).await.unwrap();
    assert_eq!(response.status(), StatusCode::FOUND);
    response.headers()[header::LOCATION].to_str().unwrap().to_owned()
}

#[tokio::test]
async fn redirects_stay_below_the_path() {
    let stock = "stock_symbol=AAPL&number_of_shares=15&purchase_price=302.17";
    let stocks = mounted("/a/stocks", stocks::app());
    assert_eq!(location(stocks, "/a/stocks/add_stock", stock).await, "/a/stocks/stocks/");
    let login = mounted("/login", login::app());
    assert_eq!(location(login, "/login/login", "username=alice").await, "/login/");
    let flash = mounted("/flash", flash::app());
    assert_eq!(location(flash.clone(), "/flash", "note=x").await, "/flash/");
    assert_eq!(location(flash, "/flash/", "note=x").await, "/flash/");
}

#[tokio::test]
async fn links_stay_below_the_path() {
    let app = mounted("/a/stocks", stocks::app());
    let request = Request::get("/a/stocks/").body(Body::empty()).unwrap();
    let body = app.oneshot(request).await.unwrap().into_body();
    let page = String::from_utf8(to_bytes(body, usize::MAX).await.unwrap().to_vec()).unwrap();
    for link in ["/a/stocks/add_stock", "/a/stocks/stocks/", "/a/stocks/blog_posts/17"] {
        assert!(page.contains(&format!("<a href=\"{link}\">")), "{page}");
    }
}
