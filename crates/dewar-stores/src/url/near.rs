//! Did you mean …?

/// The candidate that is at most two letters away, and closest.
pub(super) fn nearest<'a>(
    word: &str,
    candidates: impl Iterator<Item = &'a str>,
) -> Option<&'a str> {
    let near = candidates.map(|candidate| (distance(word, candidate), candidate));
    // A word of three letters is near everything.
    let most = if word.len() < 5 { 1 } else { 2 };
    near.filter(|(away, _)| *away <= most).min_by_key(|(away, _)| *away).map(|(_, near)| near)
}

/// How many letters have to be inserted, removed, replaced, or swapped with their neighbour.
fn distance(a: &str, b: &str) -> usize {
    let (a, b): (Vec<char>, Vec<char>) = (a.chars().collect(), b.chars().collect());
    let mut rows: Vec<Vec<usize>> = vec![(0..=b.len()).collect()];
    for i in 1..=a.len() {
        let mut row = vec![i];
        for j in 1..=b.len() {
            let replaced = rows[i - 1][j - 1] + usize::from(a[i - 1] != b[j - 1]);
            let mut least = replaced.min(rows[i - 1][j] + 1).min(row[j - 1] + 1);
            if i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1] {
                least = least.min(rows[i - 2][j - 2] + 1);
            }
            row.push(least);
        }
        rows.push(row);
    }
    rows[a.len()][b.len()]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_slip_is_near_and_another_word_is_not() {
        let known = || ["memory", "sqlite", "redis", "postgres"].into_iter();
        for (word, near) in [
            ("redsi", Some("redis")),
            ("sqllite", Some("sqlite")),
            ("sqlite3", Some("sqlite")),
            ("postgre", Some("postgres")),
            ("mysql", None),
            ("", None),
        ] {
            assert_eq!(nearest(word, known()), near, "{word}");
        }
    }
}
