//! How much comparing a document may cost.

use std::cell::Cell;

/// Steps that the comparisons of one document may take together; one takes some nanoseconds.
///
/// Documents that AWS would store need far fewer. The bound is for those of the greatest length that
/// the API takes, made of nothing but patterns.
const STEPS_MAX: u32 = 1_500_000;

/// Misspelt names of one document for which the nearest that exists is looked for.
const NAMES_MAX: u32 = 50;

/// What is left.
#[derive(Debug)]
pub(super) struct Budget {
    steps: Cell<u32>,
    names: Cell<u32>,
}

impl Budget {
    pub(super) fn new() -> Budget {
        Budget { steps: Cell::new(STEPS_MAX), names: Cell::new(NAMES_MAX) }
    }

    /// Takes steps; false if not so many are left, and then nothing is left.
    pub(super) fn take(&self, steps: usize) -> bool {
        let left = u32::try_from(steps).ok().and_then(|steps| self.steps.get().checked_sub(steps));
        self.steps.set(left.unwrap_or(0));
        left.is_some()
    }

    /// Takes the search for a name; false if there were too many.
    pub(super) fn take_name(&self) -> bool {
        let left = self.names.get().checked_sub(1);
        self.names.set(left.unwrap_or(0));
        left.is_some()
    }

    /// Whether something was left out for want of steps.
    pub(super) fn is_spent(&self) -> bool {
        self.steps.get() == 0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_spent_stays_spent() {
        let budget = Budget::new();
        assert!(budget.take(STEPS_MAX as usize - 1) && !budget.is_spent());
        assert!(!budget.take(2));
        assert!(budget.is_spent() && !budget.take(1));
    }
}
