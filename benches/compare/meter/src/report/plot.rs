//! The costs inside the process as a picture: bars, without any library.
//!
//! One picture serves light and dark pages: it has no ground of its own, and its colours stand out
//! from both.

use std::fmt::Write;

use super::table::whole;
use crate::{
    results::{Results, in_process},
    targets::find,
};

const GROUPS: [(&str, &[&str]); 2] = [
    (
        "in a cookie",
        &[
            "dewar-cookie",
            "hand-cookie",
            "axum-extra-signed",
            "axum-extra-private",
            "actix-session-cookie",
        ],
    ),
    ("in memory", &["dewar-memory", "hand-memory", "tower-sessions-memory", "axum-session-memory"]),
];
const PANELS: [(&str, &str); 3] =
    [("/unused", "untouched"), ("/read", "read"), ("/", "read and written")];

const LABELS: f64 = 230.0;
const PANEL: f64 = 220.0;
/// Beside the longest bar its figure has to find room.
const BAR: f64 = 160.0;
const ROW: f64 = 24.0;
const TOP: f64 = 58.0;

const TEXT: &str = "#768390";
const OURS: &str = "#e0662f";
const BY_HAND: &str = "#9aa4af";
const PEERS: &str = "#4f8fd0";

/// The picture.
pub(super) fn svg(results: &Results) -> String {
    let rows: usize = GROUPS.iter().map(|(_, names)| names.len() + 1).sum();
    let (width, height) = (LABELS + 3.0 * PANEL, TOP + rows as f64 * ROW + 12.0);
    let mut svg = format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {width} {height}\" \
         width=\"{width}\" height=\"{height}\" role=\"img\" font-family=\"sans-serif\" \
         font-size=\"13\" fill=\"{TEXT}\">\n\
         <title>What a session costs, in nanoseconds above the framework without sessions</title>\n"
    );
    text(
        &mut svg,
        8.0,
        20.0,
        "What a session costs: nanoseconds above the same framework without sessions",
        "font-weight=\"bold\"",
    );
    for (panel, (_, title)) in PANELS.iter().enumerate() {
        text(&mut svg, LABELS + panel as f64 * PANEL, 46.0, title, "");
    }
    let longest = longest(results);
    let mut y = TOP;
    for (group, names) in GROUPS {
        text(&mut svg, 8.0, y + 17.0, group, "font-style=\"italic\"");
        y += ROW;
        for name in names {
            let label = find(name).map_or(*name, |target| target.label);
            let label = label.split(',').next().unwrap_or(label);
            let weight = if name.starts_with("dewar") { "font-weight=\"bold\"" } else { "" };
            text(&mut svg, 22.0, y + 16.0, label, weight);
            for (panel, (page, _)) in PANELS.iter().enumerate() {
                let value = results.value(in_process(name, page));
                bar(&mut svg, (LABELS + panel as f64 * PANEL, y), name, value, longest);
            }
            y += ROW;
        }
    }
    svg += "</svg>\n";
    svg
}

/// The longest of all bars, in nanoseconds.
fn longest(results: &Results) -> f64 {
    let names = GROUPS.iter().flat_map(|(_, names)| names.iter());
    let values = names.flat_map(|name| {
        PANELS.iter().filter_map(|(page, _)| results.value(in_process(name, page)))
    });
    values.fold(1.0, f64::max)
}

fn bar(svg: &mut String, (x, y): (f64, f64), name: &str, value: Option<f64>, longest: f64) {
    let colour = match name {
        name if name.starts_with("dewar") => OURS,
        name if name.starts_with("hand") => BY_HAND,
        _ => PEERS,
    };
    let length = (value.unwrap_or(0.0).max(0.0) / longest * BAR).max(1.0);
    if value.is_some() {
        let _ = writeln!(
            svg,
            "<rect x=\"{x}\" y=\"{:.0}\" width=\"{length:.1}\" height=\"16\" rx=\"2\" fill=\"{colour}\"/>",
            y + 4.0
        );
    }
    text(svg, x + length + 6.0, y + 16.0, &whole(value), "");
}

fn text(svg: &mut String, x: f64, y: f64, text: &str, attributes: &str) {
    let _ = writeln!(svg, "<text x=\"{x:.1}\" y=\"{y:.0}\" {attributes}>{text}</text>");
}
