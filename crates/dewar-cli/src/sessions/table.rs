//! Columns that are as wide as what stands in them.

use crate::terminal;

/// Prints a head and its rows; the last column is not padded. A terminal obeys nothing of it.
pub(super) fn print(head: &[&str], rows: &[Vec<String>]) -> anyhow::Result<()> {
    let head: Vec<String> = head.iter().map(|&name| name.into()).collect();
    let shown = |row: &Vec<String>| row.iter().map(|cell| terminal::visible(cell)).collect();
    let lines: Vec<Vec<String>> = std::iter::once(&head).chain(rows).map(shown).collect();
    let width = |column: usize| {
        let cells = lines.iter().filter_map(|row| row.get(column));
        cells.map(|cell| cell.chars().count()).max().unwrap_or(0)
    };
    let widths: Vec<_> = (0..head.len()).map(width).collect();
    for row in &lines {
        let last = row.len().saturating_sub(1);
        let cells = row.iter().zip(&widths).enumerate().map(|(i, (cell, width))| match i == last {
            true => cell.clone(),
            false => format!("{cell:<width$}"),
        });
        terminal::print(&cells.collect::<Vec<_>>().join("  "))?;
    }
    Ok(())
}
