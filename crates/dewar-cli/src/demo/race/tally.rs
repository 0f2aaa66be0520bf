//! What a schedule came to.

/// One line of the table.
#[derive(Debug, Default)]
pub(super) struct Tally {
    pub(super) what: &'static str,
    /// How many writes or endings were tried.
    pub(super) tried: u64,
    pub(super) kept: u64,
    /// Writes that are not there.
    pub(super) lost: u64,
    /// Ids that open something although they were ended, or rotated away.
    pub(super) revived: u64,
    /// Rounds whose requests never overlapped: they prove nothing.
    pub(super) unproven: u64,
    /// Logouts that were saved before the other request was: of each order there have to be some.
    pub(super) logout_first: u64,
    /// The first losses, in words.
    pub(super) said: Vec<String>,
}

/// How many losses are told in words.
const TOLD: usize = 3;

impl Tally {
    pub(super) fn of(what: &'static str) -> Self {
        Self { what, ..Self::default() }
    }

    /// Whether the promise held, and that was shown.
    pub(super) fn is_kept(&self) -> bool {
        self.lost == 0 && self.revived == 0 && self.unproven == 0 && self.kept == self.tried
    }

    pub(super) fn unproven(&mut self) {
        self.unproven += 1;
        self.say("the requests never overlapped");
    }

    pub(super) fn say(&mut self, said: &str) {
        if self.said.len() < TOLD {
            self.said.push(format!("{}: {said}", self.what));
        }
    }

    /// So many were kept of so many.
    pub(super) fn writes(&mut self, kept: u64, tried: u64) {
        self.tried += tried;
        self.kept += kept;
        self.lost += tried - kept;
    }

    pub(super) fn add(&mut self, other: Self) {
        self.tried += other.tried;
        self.kept += other.kept;
        self.lost += other.lost;
        self.revived += other.revived;
        self.unproven += other.unproven;
        self.logout_first += other.logout_first;
        self.said.extend(other.said);
        self.said.truncate(TOLD);
    }
}

pub(super) fn table(tallies: &[Tally]) -> String {
    let width = tallies.iter().map(|tally| tally.what.chars().count()).max().unwrap_or(0);
    let head = format!("{:<width$}  tried   kept   lost  revived", "");
    let row = |tally: &Tally| {
        let Tally { what, tried, kept, lost, revived, unproven, .. } = tally;
        let unproven = match unproven {
            0 => String::new(),
            rounds => format!("  {rounds} did not overlap"),
        };
        format!("{what:<width$}  {tried:>5}  {kept:>5}  {lost:>5}  {revived:>7}{unproven}")
    };
    std::iter::once(head).chain(tallies.iter().map(row)).collect::<Vec<_>>().join("\n")
}
