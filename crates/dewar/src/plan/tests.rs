//! The rows of the design's table, as data.

use super::{CookieStep, Intent, Left, Plan, Was, plan, plan_as_flask};

const KEEP: Left = Left { intent: Intent::Keep, changed: false, empty: false, touch_due: false };
const EMPTY: Left = Left { empty: true, ..KEEP };
const DESTROYED: Left = Left { intent: Intent::Destroy, changed: true, ..EMPTY };
const REGENERATED: Left = Left { intent: Intent::Regenerate, ..KEEP };

/// Was, left, plan, cookie, cookie when rolling.
const TABLE: &[(Was, Left, Plan, CookieStep, CookieStep)] = &[
    (Was::Absent, EMPTY, Plan::Nothing, CookieStep::Keep, CookieStep::Keep),
    (Was::Absent, DESTROYED, Plan::Nothing, CookieStep::Keep, CookieStep::Keep),
    (Was::Absent, Left { changed: true, ..KEEP }, Plan::Create, CookieStep::Set, CookieStep::Set),
    (
        Was::Absent,
        Left { intent: Intent::Destroy, changed: true, ..KEEP },
        Plan::Create,
        CookieStep::Set,
        CookieStep::Set,
    ),
    (
        Was::Absent,
        Left { changed: true, ..REGENERATED },
        Plan::Create,
        CookieStep::Set,
        CookieStep::Set,
    ),
    (Was::Present, KEEP, Plan::Nothing, CookieStep::Keep, CookieStep::Keep),
    (Was::Present, EMPTY, Plan::Nothing, CookieStep::Keep, CookieStep::Keep),
    (
        Was::Present,
        Left { touch_due: true, ..KEEP },
        Plan::Touch,
        CookieStep::Keep,
        CookieStep::Set,
    ),
    (Was::Present, Left { changed: true, ..KEEP }, Plan::Update, CookieStep::Set, CookieStep::Set),
    (
        Was::Present,
        Left { changed: true, touch_due: true, ..KEEP },
        Plan::Update,
        CookieStep::Set,
        CookieStep::Set,
    ),
    (
        Was::Present,
        Left { changed: true, ..EMPTY },
        Plan::Empty,
        CookieStep::Remove,
        CookieStep::Remove,
    ),
    (Was::Present, REGENERATED, Plan::Regenerate, CookieStep::Set, CookieStep::Set),
    (
        Was::Present,
        Left { changed: true, ..REGENERATED },
        Plan::Regenerate,
        CookieStep::Set,
        CookieStep::Set,
    ),
    (Was::Present, DESTROYED, Plan::Destroy, CookieStep::Remove, CookieStep::Remove),
    (
        Was::Present,
        Left { empty: false, ..DESTROYED },
        Plan::Replace,
        CookieStep::Set,
        CookieStep::Set,
    ),
];

#[test]
fn the_plan_is_the_table_of_the_design() {
    for (row, (was, left, expected, cookie, rolling)) in TABLE.iter().enumerate() {
        let plan = plan(*was, *left);
        assert_eq!(plan, *expected, "row {row}: {was:?}, {left:?}");
        assert_eq!(plan.cookie(false), *cookie, "row {row}");
        assert_eq!(plan.cookie(true), *rolling, "row {row}, rolling");
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
