use super::*;

#[test]
fn same_site_is_read_in_any_case_and_nothing_else() {
    for (text, expected) in [("lax", SameSite::Lax), ("STRICT", SameSite::Strict)] {
        assert_eq!(text.parse(), Ok(expected));
    }
    assert_eq!("nOnE".parse(), Ok(SameSite::None));
    for text in ["", " lax", "lax ", "bad", "la\u{fe00}x"] {
        assert_eq!(
            text.parse::<SameSite>().map_err(|e| e.to_string()),
            Err(format!(
                "cookie attribute SameSite {text:?} is unknown: write 'Strict', 'Lax' or 'None'"
            ))
        );
    }
}

#[test]
fn honest_names_are_no_lookalikes() {
    let honest = [
        "session",
        "id",
        "__Host-id",
        "__host-id",
        "__Secure-id",
        "__Http-id",
        "__Host-Http-id",
        "__Host-HttpSession",
        "http_session",
        "_secure_session_id",
        "secure-id",
        "hostname",
        "__hostname",
        "_httponly",
        "__proto__",
        "constructor",
        "Host",
        "__Host",
    ];
    for name in honest {
        let built = CookieAttributes::builder(name).build();
        assert!(built.is_ok(), "{name}: {:?}", built.err());
    }
}

#[test]
fn removal_repeats_every_attribute() {
    let everything = CookieAttributes::builder("sid")
        .domain(".shop.example:8080".to_owned())
        .path("/p q".to_owned())
        .same_site(SameSite::None)
        .partitioned(true)
        .build()
        .expect("sound attributes");
    let rest = "; Secure; HttpOnly; Path=/p%20q; SameSite=None; Partitioned";
    assert_eq!(everything.set("v").to_header(), format!("sid=v; Domain=shop.example{rest}"));
    assert_eq!(
        everything.removal(),
        format!(
            "sid=; Domain=shop.example; Expires=Thu, 01 Jan 1970 00:00:00 GMT; Max-Age=0{rest}"
        )
    );
}

#[test]
fn flask_is_lenient_where_flask_is() {
    let flask = || CookieAttributes::flask_builder("session");
    let written =
        |builder: CookieAttributesBuilder| builder.build().map(|c| c.set("v").to_header());
    let cases = [
        (flask(), "session=v; HttpOnly; Path=/"),
        (flask().partitioned(true), "session=v; Secure; HttpOnly; Path=/; Partitioned"),
        (flask().same_site(SameSite::None), "session=v; HttpOnly; Path=/; SameSite=None"),
        (flask().domain(String::new()), "session=v; Domain=; HttpOnly; Path=/"),
        (flask().domain("a.example.".to_owned()), "session=v; Domain=a.example.; HttpOnly; Path=/"),
        (flask().path(String::new()), "session=v; HttpOnly; Path="),
        (flask().path(None), "session=v; HttpOnly"),
        (
            flask().path("/a b;c\"\u{e9}".to_owned()),
            "session=v; HttpOnly; Path=/a%20b%3Bc%22%C3%A9",
        ),
    ];
    for (builder, expected) in cases {
        assert_eq!(written(builder).expect("Flask writes it"), expected);
    }
    let lying = CookieAttributes::flask_builder("__Host-sid");
    assert!(lying.clone().build().is_err());
    let parity = written(lying.insecure_accept_prefix_violations()).expect("parity was asked for");
    assert_eq!(parity, "__Host-sid=v; HttpOnly; Path=/");
}
