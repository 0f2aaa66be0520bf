//! Recorded conversations with Flask's own server, word by word.

mod checks;

use checks::{Real, flask, golden};
use dewar::{SessionLayer, key_from_env};
use dewar_testdata::golden;

#[test]
fn golden_lifetimes_attributes_rotation_and_flash_replay() {
    assert_eq!(golden::check(&Real), Ok(()));
}

#[test]
fn golden_10_06_an_unknown_same_site_is_refused_when_built() {
    let transcript = golden("10_flags_06_samesite_bad");
    let refused = golden::configured(flask("secret"), &transcript).map(|_| ()).unwrap_err();
    assert_eq!(
        refused,
        "cookie attribute SameSite \"bogus\" is unknown: write 'Strict', 'Lax' or 'None'"
    );
}

#[test]
fn golden_10_11_a_name_that_lies_is_refused_unless_told_otherwise() {
    let refused = flask("secret").cookie_name("__Host-sid").build().unwrap_err();
    assert!(refused.to_string().contains("which needs Secure"), "{refused}");
}

#[test]
fn golden_05_a_missing_key_is_refused_when_built() {
    for name in [
        "05a_no_secret_count",
        "05b_no_secret_setget",
        "05c_no_secret_login",
        "05d_no_secret_stocks",
    ] {
        assert!(golden(name)["secret_key"].is_null(), "{name}");
    }
    let missing = key_from_env("DEWAR_TEST_KEY_THAT_NOBODY_SETS").unwrap_err();
    assert!(missing.to_string().ends_with("=\"$(dewar secret)\""), "{missing}");
    for key in ["", " \n"] {
        for sessions in [SessionLayer::flask(key), SessionLayer::signed_cookie(key)] {
            let refused = sessions.build().unwrap_err().to_string();
            assert_eq!(refused, "no secret key: generate one with `dewar secret`");
        }
    }
}
