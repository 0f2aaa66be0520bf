//! The table of the outage: what is answered when Redis is gone.

use super::table::Table;
use crate::{
    client::PATIENCE,
    outage::{NONE, PAGES},
    results::Results,
    targets::ALL,
};

/// The table; none if no store was ended.
pub(super) fn table(results: &Results) -> Option<String> {
    let mut table = Table::new(&["", "no session used", "read", "write"]);
    let mut any = false;
    for target in ALL {
        let cells = PAGES.map(|(page, _)| {
            let race = format!("outage-{page}");
            let of = |figure| results.values(target.name, &race, figure).first().copied();
            Some(cell(of("status")?, of("ms")?, of("empty")? > 0))
        });
        if cells.iter().any(Option::is_some) {
            any = true;
            let mut row = vec![target.label.to_owned()];
            row.extend(cells.map(|cell| cell.unwrap_or_else(|| "–".to_owned())));
            table.row(row);
        }
    }
    any.then(|| table.text())
}

fn cell(status: u64, ms: u64, is_empty: bool) -> String {
    if status == NONE {
        return format!("no answer in {} s", PATIENCE.as_secs());
    }
    let empty = if is_empty { ", as if logged out" } else { "" };
    let time = match ms {
        0..100 => "at once".to_owned(),
        _ => format!("{}.{} s", ms / 1000, ms % 1000 / 100),
    };
    format!("{status}{empty}, {time}")
}

#[cfg(test)]
mod tests {
    use super::cell;

    #[test]
    fn a_cell_tells_status_and_time() {
        assert_eq!(cell(503, 1520, false), "503, 1.5 s");
        assert_eq!(cell(0, 0, false), "no answer in 20 s");
        assert_eq!(cell(200, 3, true), "200, as if logged out, at once");
    }
}
