//! The programs that need a store: a user's devices, and pages while the store gives no answer.

#![allow(clippy::unwrap_used, reason = "a test fails where it panics")]

use axum::{
    Router,
    body::{Body, to_bytes},
    http::{Request, StatusCode, header},
};
use dewar::{
    SessionLayer,
    store::{
        MemoryStore, Store,
        conformance::{Fault, Faulty},
    },
};
use dewar_examples::{devices, outage};
use tower::ServiceExt;

const KEY: &str = "9cK3wPq0fUq7Zt2LmXbR5yA1hV8sE4jN6dG";

/// One browser, by its name.
struct Browser {
    name: &'static str,
    cookie: String,
}

impl Browser {
    fn new(name: &'static str) -> Self {
        Self { name, cookie: String::new() }
    }

    /// A form is posted, or the page is asked for.
    async fn open(
        &mut self,
        app: &Router,
        path: &str,
        form: Option<String>,
    ) -> (StatusCode, String) {
        let request = match &form {
            Some(_) => Request::post(path),
            None => Request::get(path),
        };
        let request = request
            .header(header::CONTENT_TYPE, "application/x-www-form-urlencoded")
            .header(header::USER_AGENT, self.name)
            .header(header::COOKIE, &self.cookie)
            .body(Body::from(form.unwrap_or_default()));
        let response = app.clone().oneshot(request.unwrap()).await.unwrap();
        let status = response.status();
        if let Some(set) = response.headers().get(header::SET_COOKIE) {
            set.to_str().unwrap().split(';').next().unwrap().clone_into(&mut self.cookie);
        }
        let body = to_bytes(response.into_body(), usize::MAX).await.unwrap();
        (status, String::from_utf8(body.to_vec()).unwrap())
    }

    async fn log_in(&mut self, app: &Router, user: &str) {
        let (status, _) = self.open(app, "/login", Some(format!("username={user}"))).await;
        assert_eq!(status, StatusCode::FOUND);
    }

    async fn is_in(&mut self, app: &Router) -> bool {
        self.open(app, "/", None).await.1.contains("is logged in on")
    }
}

#[tokio::test]
async fn a_user_ends_one_device_all_others_and_all() {
    let layer = SessionLayer::server(KEY, MemoryStore::new()).build().unwrap();
    let app = devices::app(layer.user_sessions().unwrap()).layer(layer);
    let mut browsers = ["<b>phone", "laptop", "tablet"].map(Browser::new);
    for browser in &mut browsers {
        browser.log_in(&app, "ada").await;
    }
    let mut other = Browser::new("bobs");
    other.log_in(&app, "bob").await;
    let [phone, laptop, tablet] = &mut browsers;

    let (_, page) = phone.open(&app, "/", None).await;
    assert!(page.contains("&lt;b&gt;phone (here)") && page.contains("laptop <button"), "{page}");
    assert!(!page.contains("bobs") && page.matches("(here)").count() == 1, "{page}");
    let of = |page: &str, device: &str| {
        let (_, rest) = page.split_once(device).unwrap();
        rest.split_once("value=").unwrap().1.split('>').next().unwrap().to_owned()
    };
    // Somebody else's is not his to end.
    let (_, bobs) = other.open(&app, "/", None).await;
    phone.open(&app, "/end", Some(format!("which={}", of(&bobs, "bobs")))).await;
    assert!(other.is_in(&app).await);

    phone.open(&app, "/end", Some(format!("which={}", of(&page, "laptop")))).await;
    assert!(!laptop.is_in(&app).await && tablet.is_in(&app).await && phone.is_in(&app).await);
    laptop.log_in(&app, "ada").await;
    phone.open(&app, "/end", Some("which=others".into())).await;
    assert!(!laptop.is_in(&app).await && !tablet.is_in(&app).await && phone.is_in(&app).await);
    laptop.log_in(&app, "ada").await;
    phone.open(&app, "/end", Some("which=all".into())).await;
    assert!(!laptop.is_in(&app).await && !phone.is_in(&app).await);
    assert!(other.is_in(&app).await, "nobody else's session ended");
}

#[tokio::test]
async fn each_page_has_its_own_answer_to_an_outage() {
    let store = MemoryStore::new();
    let on = |store: dewar::store::BoxStore| {
        outage::app().layer(SessionLayer::server(KEY, store).build().unwrap())
    };
    let well = on(store.clone().boxed());
    let mut ada = Browser::new("ada");
    assert_eq!(ada.open(&well, "/account", None).await.1, "Your name is Ada");
    assert_eq!(ada.open(&well, "/news", None).await.1, "News for Ada");
    assert_eq!(ada.open(&well, "/basket", None).await.1, "Seen 1 times");
    let cookie = ada.cookie.clone();

    let silent = Faulty::new(store.clone());
    (0..100).for_each(|_| silent.inject(Fault::ErrorBefore));
    let ill = on(silent.boxed());
    assert_eq!(ada.open(&ill, "/", None).await.0, StatusCode::OK);
    for page in ["/account", "/basket"] {
        assert_eq!(ada.open(&ill, page, None).await.0, StatusCode::SERVICE_UNAVAILABLE, "{page}");
    }
    let (status, news) = ada.open(&ill, "/news", None).await;
    assert_eq!((status, &*news), (StatusCode::OK, "News. We cannot see who you are at the moment"));

    // What can be read and not be kept: the one call that is made is the load.
    let half = Faulty::new(store);
    half.inject(Fault::Delay(0));
    (0..100).for_each(|_| half.inject(Fault::ErrorBefore));
    let (status, seen) = ada.open(&on(half.boxed()), "/basket", None).await;
    assert_eq!((status, &*seen), (StatusCode::OK, "Seen 2 times"));

    assert_eq!(ada.cookie, cookie, "nobody is logged out");
    assert_eq!(ada.open(&well, "/basket", None).await.1, "Seen 2 times", "that look is lost");
}
