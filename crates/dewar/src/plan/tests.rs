//! The rows of the design's table, as data.

use super::{CookieStep, Intent, Left, Mode, Plan, Was, plan, plan_as_flask};

const KEEP: Left = Left { intent: Intent::Keep, changed: false, empty: false, touch_due: false };
const EMPTY: Left = Left { empty: true, ..KEEP };
const DESTROYED: Left = Left { intent: Intent::Destroy, changed: true, ..EMPTY };
const REGENERATED: Left = Left { intent: Intent::Regenerate, ..KEEP };

const CHANGED: Left = Left { changed: true, ..KEEP };

use CookieStep::{Keep, Remove, Set};
use Was::{Absent, Doubted, Moved, Present, Unreachable};

/// Was, left, plan, then the cookie: in cookie mode, the same when rolling, in server mode, the
/// same when rolling.
const TABLE: &[(Was, Left, Plan, [CookieStep; 4])] = &[
    (Absent, EMPTY, Plan::Nothing, [Keep; 4]),
    (Absent, DESTROYED, Plan::Nothing, [Keep; 4]),
    (Absent, CHANGED, Plan::Create, [Set; 4]),
    (Absent, Left { intent: Intent::Destroy, ..CHANGED }, Plan::Create, [Set; 4]),
    (Absent, Left { changed: true, ..REGENERATED }, Plan::Create, [Set; 4]),
    (Present, KEEP, Plan::Nothing, [Keep; 4]),
    (Present, EMPTY, Plan::Nothing, [Keep; 4]),
    (Present, Left { touch_due: true, ..KEEP }, Plan::Touch, [Keep, Set, Keep, Set]),
    (Present, CHANGED, Plan::Update, [Set, Set, Keep, Set]),
    (Present, Left { touch_due: true, ..CHANGED }, Plan::Update, [Set, Set, Keep, Set]),
    (Present, Left { changed: true, ..EMPTY }, Plan::Empty, [Remove, Remove, Keep, Keep]),
    (Present, REGENERATED, Plan::Regenerate, [Set; 4]),
    (Present, Left { changed: true, ..REGENERATED }, Plan::Regenerate, [Set; 4]),
    (Present, Left { changed: true, empty: true, ..REGENERATED }, Plan::Regenerate, [Set; 4]),
    (Present, DESTROYED, Plan::Destroy, [Remove; 4]),
    (Present, Left { empty: false, ..DESTROYED }, Plan::Replace, [Set; 4]),
    (Moved, EMPTY, Plan::Nothing, [Keep; 4]),
    (Moved, DESTROYED, Plan::Destroy, [Remove; 4]),
    (Moved, CHANGED, Plan::Stray, [Keep; 4]),
    (Moved, Left { changed: true, ..REGENERATED }, Plan::Stray, [Keep; 4]),
    (Doubted, EMPTY, Plan::Nothing, [Keep; 4]),
    (Doubted, CHANGED, Plan::Create, [Set; 4]),
    (Doubted, Left { changed: true, ..REGENERATED }, Plan::Create, [Set; 4]),
    (Doubted, DESTROYED, Plan::Destroy, [Remove; 4]),
    (Doubted, Left { empty: false, ..DESTROYED }, Plan::Replace, [Set; 4]),
    (Unreachable, EMPTY, Plan::Nothing, [Keep; 4]),
    (Unreachable, CHANGED, Plan::Stray, [Keep; 4]),
    (Unreachable, DESTROYED, Plan::Destroy, [Remove; 4]),
    (Unreachable, Left { changed: true, ..REGENERATED }, Plan::Regenerate, [Set; 4]),
    (Unreachable, Left { empty: false, ..DESTROYED }, Plan::Regenerate, [Set; 4]),
];

#[test]
fn the_plan_is_the_table_of_the_design() {
    for (row, (was, left, expected, cookies)) in TABLE.iter().enumerate() {
        let plan = plan(*was, *left);
        assert_eq!(plan, *expected, "row {row}: {was:?}, {left:?}");
        let modes = [Mode::Cookie, Mode::Server].into_iter();
        let found: Vec<_> = modes
            .flat_map(|mode| [false, true].map(|rolling| plan.cookie(mode, rolling)))
            .collect();
        assert_eq!(found, cookies, "row {row}: {plan:?}");
    }
}

#[test]
fn the_flask_profile_has_a_table_of_its_own() {
    // Empty, modified, permanent with refresh: the table of the Flask documentation.
    let table = [
        (true, false, false, Plan::Nothing),
        (true, false, true, Plan::Nothing),
        (true, true, false, Plan::Destroy),
        (true, true, true, Plan::Destroy),
        (false, true, false, Plan::Update),
        (false, true, true, Plan::Update),
        (false, false, true, Plan::Touch),
        (false, false, false, Plan::Nothing),
    ];
    for (empty, modified, refresh, expected) in table {
        assert_eq!(plan_as_flask(empty, modified, refresh), expected);
    }
}
