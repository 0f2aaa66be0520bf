//! A site whose store says nothing any more, and what may come of a request then.

#![allow(clippy::unwrap_used, reason = "a test fails where it stands")]

use std::time::Duration;

use dewar::OnOutage;
use http::{StatusCode, header};

use super::{
    site::{Answer, Millis, Site, set},
    tap::{Fault, Tap},
};

/// Longer than any outage here.
pub(crate) const LONG: usize = 1_000_000;

pub(crate) fn site(on_outage: OnOutage) -> (Tap, Site) {
    let store = Tap::new();
    let site = Site::with(&store, &Millis::default(), |builder| {
        builder.on_outage(on_outage).breaker(5, Duration::from_secs(1))
    });
    (store, site)
}

/// A site with somebody logged in whose store then says nothing any more, in this way.
pub(crate) async fn silent(on_outage: OnOutage, fault: Fault) -> (Tap, Site, String) {
    let (store, site) = site(on_outage);
    let cookie = site.login([set("name", "ada")]).await;
    site.events();
    store.fail_times(0, fault, LONG);
    (store, site, cookie)
}

pub(crate) fn refused(answer: &Answer) {
    assert_eq!(answer.status, StatusCode::SERVICE_UNAVAILABLE, "{}", answer.body);
    assert_eq!(answer.set_cookie(), None, "the browser keeps the cookie it has");
    let retry: u64 = answer.headers[header::RETRY_AFTER].to_str().unwrap().parse().unwrap();
    assert!((1..=10).contains(&retry), "{retry}");
}

/// As the handler made it, and the browser keeps the cookie it has.
pub(crate) fn answered(answer: &Answer) {
    assert_eq!((answer.status, answer.set_cookie()), (StatusCode::OK, None), "{}", answer.body);
}

/// The same, and no cache may show it to anybody else, nor to the visitor once his session is there again.
pub(crate) fn went_without(answer: &Answer) {
    answered(answer);
    assert_eq!(answer.headers[header::CACHE_CONTROL], "private, no-store", "{}", answer.body);
}
