//! `dewar sessions` and the demo over the servers of databases, by their URLs.

#![allow(clippy::unwrap_used, reason = "a test fails where it panics")]

mod answer;
mod demo;
mod filled;

use demo::Demo;
use dewar::store::Store;
use dewar_testdata::{postgres::Postgres, redis::Node};
use filled::{Filled, ids, json_of, session};
use serde_json::json;

/// Every verb, in an order in which each finds what it needs.
fn every_verb(url: &str) {
    let store = Filled::at(url);
    store.fill();
    let stats = json_of(&store.sessions(&["stats", "--json"]).out);
    assert_eq!((&stats["live"], &stats["with_user"]), (&json!(4), &json!(3)), "{stats}");
    let adas = store.sessions(&["ls", "--user", "ada", "--json"]);
    assert_eq!(ids(&adas.out), ["aa015e5e", "aa025e5e"], "{}", adas.err);
    let shown = json_of(&store.sessions(&["show", "aa015e5e", "--values", "--json"]).out);
    assert_eq!(shown["contents"][1]["value"], 3);
    let ended = json_of(&store.sessions(&["revoke", "bb015e5e", "--json", "--yes"]).out);
    assert_eq!(ended, json!({"dry_run": false, "sessions": 1, "carried_elsewhere": 0}));
    let exported = json_of(&store.sessions(&["export", "--user", "ada"]).out);
    assert_eq!(exported["sessions"].as_array().unwrap().len(), 2);
    let dry = json_of(&store.sessions(&["erase", "--user", "ada", "--json"]).out);
    let real = json_of(&store.sessions(&["erase", "--user", "ada", "--json", "--yes"]).out);
    assert_eq!((&dry["sessions"], &real["sessions"]), (&json!(3), &json!(3)), "{dry} {real}");
    assert_eq!(real["left"], 0);
    assert_eq!(ids(&store.sessions(&["ls", "--json"]).out), ["cc015e5e"]);
    assert_eq!(store.sessions(&["purge", "--yes"]).code, 0);
    assert_eq!(store.sessions(&["revoke", "--all", "--yes"]).out, "ended 1 session\n");
}

/// The demo keeps its sessions there, and whoever operates it sees them.
fn demo_and_operator(url: &str) {
    let demo = Demo::start(&["visits", "--store", url]);
    assert!(demo.said.contains("Sessions are kept in ") && !demo.said.contains("hunter2"));
    let answer = demo.get("/", "");
    let (_, rest) = answer.split_once("set-cookie: ").unwrap();
    let cookie = rest.split(';').next().unwrap();
    assert!(demo.get("/", cookie).ends_with("Visit count: 2"));
    let store = Filled::at(url);
    let id = ids(&store.sessions(&["ls", "--json"]).out).pop().unwrap();
    let shown = store.sessions(&["show", &id, "--values"]);
    assert!(shown.out.contains("\"visits\"  int   1 B   2"), "{}", shown.out);
    assert_eq!(store.sessions(&["revoke", &id, "--yes"]).code, 0);
    assert!(demo.get("/", cookie).ends_with("Visit count: 1"), "a logout is final");
}

#[test]
fn redis_is_operated_by_its_url() {
    let Some(node) = Node::start(&["--requirepass", "hunter2"]) else { return };
    let url = |database| format!("redis://:hunter2@127.0.0.1:{}/{database}?prefix=a:", node.port());
    every_verb(&url(0));
    demo_and_operator(&url(1));
    let wrong = url(0).replace("hunter2", "hunter3");
    let answer = answer::dewar_with(&["sessions", "ls", "--store", &wrong], &[], "");
    assert_eq!((answer.code, answer.err.contains("hunter3")), (1, false), "{}", answer.err);
    let shown = format!("redis://:***@127.0.0.1:{}?prefix=a:", node.port());
    assert!(answer.err.contains(&shown), "{}", answer.err);
}

/// Redis notes which sessions a user has. A note that was lost hides none of them from an erasure.
#[test]
fn erasing_does_not_trust_the_list_alone() {
    let Some(node) = Node::start(&[]) else { return };
    let store = Filled::at(&format!("redis://127.0.0.1:{}", node.port()));
    let lost = session(&[0xad, 1], Some("ada"));
    store.run(store.store.create(&lost.key, &lost.record())).unwrap();
    store.add(&session(&[0xad, 2], Some("ada")));
    let listed = store.sessions(&["ls", "--user", "ada", "--json"]);
    assert_eq!(ids(&listed.out), ["ad025e5e"], "the list does not know the other one");
    let dry = json_of(&store.sessions(&["erase", "--user", "ada", "--json"]).out);
    let real = json_of(&store.sessions(&["erase", "--user", "ada", "--json", "--yes"]).out);
    assert_eq!((&dry["sessions"], &real["sessions"]), (&json!(2), &json!(2)));
    assert_eq!(real["left"], 0);
    assert_eq!(store.sessions(&["ls", "--json"]).out, "");
}

#[test]
fn postgres_is_operated_by_its_url() {
    let Some(server) = Postgres::start() else { return };
    let url = |schema| format!("{}?schema={schema}", server.url().replace("@", ":hunter2@"));
    every_verb(&url("one"));
    demo_and_operator(&url("two"));
    every_verb(&format!("{}?schema=three&connections=1", server.socket_url()));
    let other = answer::dewar_with(&["sessions", "stats", "--store", &url("four")], &[], "");
    assert_eq!((other.code, &*other.out), (2, ""), "{}", other.err);
    assert!(other.err.contains("there are no sessions of dewar in "), "{}", other.err);
    let again = answer::dewar_with(&["sessions", "stats", "--store", &url("four")], &[], "");
    assert_eq!(again.code, 2, "looking made it: {}", again.out);
    let wrong = url("four").replace(&format!(":{}", server.port()), ":1");
    let answer = answer::dewar_with(&["sessions", "ls", "--store", &wrong], &[], "");
    assert_eq!((answer.code, answer.err.contains("hunter2")), (1, false), "{}", answer.err);
    assert!(answer.err.contains("postgres://postgres:***@127.0.0.1:1/postgres?schema=four"));
    assert_eq!(answer.err.matches("os error").count(), 1, "{}", answer.err);
    assert!(answer.err.ends_with(": see whether the server runs there\n"), "{}", answer.err);
}
