//! Schedules: who takes the next step.

use super::Chance;

/// Who takes the next step, among those that can.
pub(crate) trait Schedule {
    fn choose(&mut self, among: usize) -> usize;
}

impl Schedule for Chance {
    fn choose(&mut self, among: usize) -> usize {
        self.below(among)
    }
}

/// All schedules, one after the other: the choices made and how many there were.
#[derive(Debug, Default)]
pub(crate) struct Every {
    choices: Vec<(usize, usize)>,
    at: usize,
}

impl Schedule for Every {
    fn choose(&mut self, among: usize) -> usize {
        if self.at == self.choices.len() {
            self.choices.push((0, among));
        }
        self.at += 1;
        self.choices[self.at - 1].0
    }
}

impl Every {
    /// Goes to the next schedule; false after the last one.
    pub(crate) fn next(&mut self) -> bool {
        self.at = 0;
        while let Some((choice, among)) = self.choices.pop() {
            if choice + 1 < among {
                self.choices.push((choice + 1, among));
                return true;
            }
        }
        false
    }
}
