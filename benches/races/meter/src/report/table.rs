//! A table of Markdown, its columns aligned so that it reads as plain text too.

/// A table; all columns are text.
pub(super) struct Table(Vec<Vec<String>>);

impl Table {
    pub(super) fn new(head: &[&str]) -> Self {
        Self(vec![head.iter().map(|cell| (*cell).to_owned()).collect()])
    }

    pub(super) fn row(&mut self, cells: Vec<String>) {
        self.0.push(cells);
    }

    pub(super) fn text(&self) -> String {
        let columns = 0..self.0[0].len();
        let width = |column: usize| {
            self.0.iter().map(|row| row[column].chars().count()).max().unwrap_or(0).max(3)
        };
        let widths: Vec<usize> = columns.map(width).collect();
        let line = |cells: Vec<String>| format!("| {} |\n", cells.join(" | "));
        let mut lines = self.0.iter().map(|row| {
            line(row.iter().zip(&widths).map(|(cell, width)| format!("{cell:<width$}")).collect())
        });
        let head = lines.next().unwrap_or_default();
        let rule: String =
            widths.iter().map(|width| format!("|{}", "-".repeat(width + 2))).collect();
        format!("{head}{rule}|\n{}", lines.collect::<String>())
    }
}

#[cfg(test)]
mod tests {
    use super::Table;

    #[test]
    fn a_table_is_aligned() {
        let mut table = Table::new(&["", "a"]);
        table.row(vec!["name".into(), "1–20".into()]);
        assert_eq!(table.text(), "|      | a    |\n|------|------|\n| name | 1–20 |\n");
    }
}
