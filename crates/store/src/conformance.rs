//! The suite that every engine passes. An engine calls [`conformance_tests!`](crate::conformance_tests)
//! with a way to make a fresh store, and gets one test for each rule.
#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::missing_panics_doc,
    reason = "a test suite: a failed expectation is a failed test"
)]

mod copies;

use std::{any::Any, collections::BTreeMap, ops::ControlFlow, sync::Arc};

use crate::{
    ACCOUNTS_PER_COMMIT_MAX, AccountCommit, AccountId, AccountRows, CHANGES_ANSWER_COMMITS_MAX,
    ChangeSet, Changes, ClaimKey, Claimed, CommitError, Committed, Cursor, Fact, FactRef,
    FactVisitor, Head, RECORD_BYTES_MAX, RECORDS_ANSWER_MAX, ROW_BYTES_MAX, ROW_ID_BYTES_MAX,
    Record, Revision, Row, RowKey, RowRef, RowVisitor, SEAL_BYTES_MAX, Store, StoreError,
};

pub use copies::{
    a_copy_can_be_broken_off, a_copy_that_is_imported_tells_the_same,
    an_import_happens_whole_or_not_at_all,
};

/// A fresh store and whatever must live as long as it (a temporary folder).
pub struct Fixture {
    /// The store.
    pub store: Arc<dyn Store>,
    /// Dropped after the store.
    pub guard: Box<dyn Any + Send + Sync>,
}

/// What a rule needs of a fresh store.
#[derive(Clone, Copy, Debug, Default)]
pub struct Setup {
    /// How many commits the feed reaches back, if not the engine's usual number.
    pub change_log_commits: Option<usize>,
}

/// Declares one test for each rule of the suite; the argument is a `Fn(Setup) -> Fixture`.
#[macro_export]
macro_rules! conformance_tests {
    ($fixture:expr) => {
        $crate::conformance_tests!(@ $fixture;
            a_fresh_store_is_empty, a_commit_adds_one_to_the_revision,
            a_commit_on_another_revision_conflicts, the_first_account_in_the_way_is_named,
            a_list_happens_whole_or_not_at_all, accounts_do_not_touch_each_other,
            rows_are_replaced_removed_and_recreated, rows_of_any_content_come_back,
            an_account_may_be_empty, a_malformed_list_is_refused, the_feed_is_in_order,
            the_feed_delivers_a_list_whole, the_feed_tells_what_loading_tells,
            the_feed_answers_in_portions, a_feed_that_is_lost_says_so,
            a_feed_that_is_forgotten_is_lost_and_goes_on,
            a_cursor_of_another_store_is_lost, a_load_and_its_cursor_are_of_one_moment,
            the_visitor_can_break_off, of_racing_commits_one_wins,
            racing_lists_do_not_deadlock_or_mix, the_hint_wakes_after_a_commit,
            a_seal_is_replaced_with_every_commit, records_are_appended_with_their_commit,
            records_come_in_portions_and_can_be_forgotten, a_claim_is_granted_once, of_racing_claims_one_wins, an_expired_claim_is_free_again,
            a_claim_that_has_expired_is_refused, the_later_fact_stays, facts_can_be_forgotten,
            a_copy_that_is_imported_tells_the_same, an_import_happens_whole_or_not_at_all,
            a_copy_can_be_broken_off, a_closed_store_says_so
        );
    };
    (@ $fixture:expr; $($rule:ident),*) => {
        $(
            #[tokio::test(flavor = "multi_thread", worker_threads = 4)]
            async fn $rule() {
                $crate::conformance::$rule(&$fixture).await;
            }
        )*
    };
}

const A: AccountId = AccountId(111_111_111_111);
const B: AccountId = AccountId(222_222_222_222);
const FAR: AccountId = AccountId(u64::MAX);

/// Nothing is in a fresh store.
pub async fn a_fresh_store_is_empty(fixture: &impl Fn(Setup) -> Fixture) {
    let Fixture { store, guard: _guard } = fixture(Setup::default());
    let (everything, cursor) = load(&*store).await;
    assert!(everything.is_empty());
    assert_eq!(store.read_account(A).await, Ok(AccountRows::default()));
    assert_eq!(store.changes(cursor).await, Ok(Changes::List(vec![])));
    assert!(facts(&*store).await.is_empty());
}

/// Revisions are dense and begin with one.
pub async fn a_commit_adds_one_to_the_revision(fixture: &impl Fn(Setup) -> Fixture) {
    let Fixture { store, guard: _guard } = fixture(Setup::default());
    for revision in 0..5 {
        let committed = put(&*store, A, revision, &[("user", "x")]).await.unwrap();
        assert_eq!(committed.revisions, [(A, Revision(revision + 1))]);
        assert_eq!(held(&*store, A).await, (Revision(revision + 1), vec![row("user", "x")]));
    }
}

/// Neither an older, nor a newer, nor a missing revision will do; nothing changes.
pub async fn a_commit_on_another_revision_conflicts(fixture: &impl Fn(Setup) -> Fixture) {
    let Fixture { store, guard: _guard } = fixture(Setup::default());
    let conflict =
        |revision| Err(CommitError::Conflict { account: A, revision: Revision(revision) });
    assert_eq!(put(&*store, A, 1, &[("user", "x")]).await, conflict(0));
    put(&*store, A, 0, &[("user", "x")]).await.unwrap();
    put(&*store, A, 1, &[("user", "y")]).await.unwrap();
    for wrong in [0, 1, 3, u64::MAX] {
        assert_eq!(put(&*store, A, wrong, &[("user", "z")]).await, conflict(2));
    }
    let expected = (Revision(2), vec![row("user", "y")]);
    assert_eq!(held(&*store, A).await, expected);
}

/// The answer names the first account of the list that has moved on, not another one.
pub async fn the_first_account_in_the_way_is_named(fixture: &impl Fn(Setup) -> Fixture) {
    let Fixture { store, guard: _guard } = fixture(Setup::default());
    for account in [A, B] {
        put(&*store, account, 0, &[("user", "x")]).await.unwrap();
    }
    let list = vec![commit(FAR, 0, &[]), commit(B, 7, &[]), commit(A, 7, &[])];
    let refused = store.commit(list).await;
    assert_eq!(refused, Err(CommitError::Conflict { account: B, revision: Revision(1) }));
}

/// A conflict of the last account undoes the first ones.
pub async fn a_list_happens_whole_or_not_at_all(fixture: &impl Fn(Setup) -> Fixture) {
    let Fixture { store, guard: _guard } = fixture(Setup::default());
    put(&*store, B, 0, &[("user", "b")]).await.unwrap();
    let before = load(&*store).await;
    let list = vec![commit(A, 0, &[("user", "a")]), commit(B, 0, &[("user", "c")])];
    store.commit(list).await.unwrap_err();
    assert_eq!(load(&*store).await, before);
    let list = vec![commit(A, 0, &[("user", "a")]), commit(B, 1, &[("user", "c")])];
    let committed = store.commit(list).await.unwrap();
    assert_eq!(committed.revisions, [(A, Revision(1)), (B, Revision(2))]);
    assert_eq!(held(&*store, A).await.1, [row("user", "a")]);
    assert_eq!(held(&*store, B).await.1, [row("user", "c")]);
}

/// The same key in two accounts is two rows.
pub async fn accounts_do_not_touch_each_other(fixture: &impl Fn(Setup) -> Fixture) {
    let Fixture { store, guard: _guard } = fixture(Setup::default());
    for (account, content) in [(A, "a"), (B, "b"), (FAR, "far"), (AccountId(0), "zero")] {
        put(&*store, account, 0, &[("user", content)]).await.unwrap();
    }
    store.commit(vec![remove(A, 1, &["user"])]).await.unwrap();
    assert_eq!(held(&*store, A).await, (Revision(2), vec![]));
    for (account, content) in [(B, "b"), (FAR, "far"), (AccountId(0), "zero")] {
        let expected = (Revision(1), vec![row("user", content)]);
        assert_eq!(held(&*store, account).await, expected);
    }
}

/// What is removed is gone, what is put again is there with its new content only.
pub async fn rows_are_replaced_removed_and_recreated(fixture: &impl Fn(Setup) -> Fixture) {
    let Fixture { store, guard: _guard } = fixture(Setup::default());
    put(&*store, A, 0, &[("one", "1"), ("two", "2")]).await.unwrap();
    put(&*store, A, 1, &[("one", "a much longer content than before")]).await.unwrap();
    store.commit(vec![remove(A, 2, &["two", "never there"])]).await.unwrap();
    let expected = vec![row("one", "a much longer content than before")];
    assert_eq!(held(&*store, A).await, (Revision(3), expected));
    let both = AccountCommit { removes: vec![key("one")], ..commit(A, 3, &[("two", "again")]) };
    store.commit(vec![both]).await.unwrap();
    assert_eq!(held(&*store, A).await, (Revision(4), vec![row("two", "again")]));
    let (everything, _) = load(&*store).await;
    assert_eq!(everything[&A].1, [row("two", "again")]);
}

/// Empty, large and binary contents; every kind; ids of the longest length and any character.
pub async fn rows_of_any_content_come_back(fixture: &impl Fn(Setup) -> Fixture) {
    let Fixture { store, guard: _guard } = fixture(Setup::default());
    let mut rows = vec![
        Row::new(RowKey::new(0, ""), []),
        Row::new(RowKey::new(u16::MAX, "i".repeat(ROW_ID_BYTES_MAX)), vec![0; 3_000_000]),
        Row::new(RowKey::new(7, "\0'\"%_`ü€😀\u{7f}"), (0..=255).collect::<Vec<u8>>()),
        Row::new(RowKey::new(7, "Name"), *b"differs from the next by letter case only"),
        Row::new(RowKey::new(7, "name"), *b"\xff\xfe\0"),
    ];
    rows.extend((0..2000).map(|number| Row::new(RowKey::new(9, format!("{number}")), [1; 300])));
    let list = AccountCommit { puts: rows.clone(), ..commit(A, 0, &[]) };
    store.commit(vec![list]).await.unwrap();
    rows.sort_by(|one, other| one.key.cmp(&other.key));
    assert_eq!(held(&*store, A).await, (Revision(1), rows.clone()));
    assert_eq!(load(&*store).await.0[&A], (Revision(1), rows));
}

/// A commit without rows is a commit, also the first one.
pub async fn an_account_may_be_empty(fixture: &impl Fn(Setup) -> Fixture) {
    let Fixture { store, guard: _guard } = fixture(Setup::default());
    let (_, start) = load(&*store).await;
    store.commit(vec![commit(A, 0, &[])]).await.unwrap();
    store.commit(vec![commit(A, 1, &[])]).await.unwrap();
    assert_eq!(held(&*store, A).await, (Revision(2), vec![]));
    assert_eq!(load(&*store).await.0[&A], (Revision(2), vec![]));
    assert_eq!(feed(&*store, start).await.len(), 2);
}

/// Rules that do not depend on what is stored: nothing, a thing named twice, things too large.
pub async fn a_malformed_list_is_refused(fixture: &impl Fn(Setup) -> Fixture) {
    let Fixture { store, guard: _guard } = fixture(Setup::default());
    let key_twice = AccountCommit { removes: vec![key("one")], ..commit(A, 0, &[("one", "1")]) };
    let long_id = Row::new(RowKey::new(1, "i".repeat(ROW_ID_BYTES_MAX + 1)), []);
    let large = Row::new(RowKey::new(1, "x"), vec![0; ROW_BYTES_MAX + 1]);
    let crowd = (0..=ACCOUNTS_PER_COMMIT_MAX as u64).map(|id| commit(AccountId(id), 0, &[]));
    for list in [
        vec![],
        vec![commit(A, 0, &[]), commit(A, 1, &[])],
        vec![commit(A, 0, &[("one", "1"), ("one", "2")])],
        vec![key_twice],
        vec![AccountCommit { puts: vec![long_id], ..commit(A, 0, &[]) }],
        vec![AccountCommit { puts: vec![large], ..commit(A, 0, &[]) }],
        crowd.collect(),
    ] {
        let refused = store.commit(list).await;
        assert!(matches!(refused, Err(CommitError::Store(StoreError::Invalid { .. }))));
    }
    assert!(load(&*store).await.0.is_empty());
    assert!(ClaimKey::new(*b"").is_err());
}

/// Commits come in the order in which they happened, each exactly once, with their contents.
pub async fn the_feed_is_in_order(fixture: &impl Fn(Setup) -> Fixture) {
    let Fixture { store, guard: _guard } = fixture(Setup::default());
    let (_, start) = load(&*store).await;
    let mut cursors = Vec::new();
    for revision in 0..10 {
        cursors.push(put(&*store, A, revision, &[("user", "x")]).await.unwrap().cursor);
        put(&*store, A, revision, &[("user", "lost")]).await.unwrap_err();
    }
    cursors.push(store.commit(vec![remove(A, 10, &["user"])]).await.unwrap().cursor);
    let sets = feed(&*store, start).await;
    assert_eq!(sets.iter().map(|set| set.cursor).collect::<Vec<_>>(), cursors);
    for (index, set) in sets.iter().enumerate() {
        assert_eq!(set.changes.len(), 1);
        let change = &set.changes[0];
        assert_eq!((change.account, change.revision), (A, Revision(index as u64 + 1)));
        assert_eq!(change.puts.is_empty(), index == 10);
        assert_eq!(change.removes.is_empty(), index != 10);
    }
    assert!(cursors[9].reaches(cursors[3]) && !cursors[3].reaches(cursors[9]));
    assert!(cursors[4].is_next_of(cursors[3]) && !cursors[5].is_next_of(cursors[3]));
    assert_eq!(feed(&*store, cursors[8]).await, sets[9..]);
    assert_eq!(feed(&*store, cursors[10]).await, []);
}

/// A commit of several accounts is one entry of the feed.
pub async fn the_feed_delivers_a_list_whole(fixture: &impl Fn(Setup) -> Fixture) {
    let Fixture { store, guard: _guard } = fixture(Setup::default());
    let (_, start) = load(&*store).await;
    put(&*store, B, 0, &[("user", "b")]).await.unwrap();
    let list = vec![commit(B, 1, &[("user", "c")]), commit(A, 0, &[("user", "a")])];
    let committed = store.commit(list).await.unwrap();
    let sets = feed(&*store, start).await;
    assert_eq!(sets.len(), 2);
    assert_eq!(sets[1].cursor, committed.cursor);
    let told: Vec<_> =
        sets[1].changes.iter().map(|change| (change.account, change.revision)).collect();
    assert_eq!(told, committed.revisions);
    assert_eq!(sets[1].changes[1].puts, [row("user", "a")]);
}

/// A follower that applies the feed holds what a load shows.
pub async fn the_feed_tells_what_loading_tells(fixture: &impl Fn(Setup) -> Fixture) {
    let Fixture { store, guard: _guard } = fixture(Setup::default());
    let (mut followed, mut cursor) = load(&*store).await;
    let mut revisions = [0_u64; 3];
    for step in 0_u64..90 {
        let account = (step % 3) as usize;
        let name = format!("row {}", step * 7 % 11);
        let mut change = commit(AccountId(account as u64 + 1), revisions[account], &[]);
        if step % 4 == 3 {
            change.removes.push(key(&name));
        } else {
            change.puts.push(row(&name, &step.to_string()));
        }
        revisions[account] += 1;
        store.commit(vec![change]).await.unwrap();
        if step % 10 == 0 {
            cursor = follow(&mut followed, feed(&*store, cursor).await, cursor);
        }
    }
    let cursor = follow(&mut followed, feed(&*store, cursor).await, cursor);
    assert_eq!(load(&*store).await, (followed, cursor));
}

/// More commits than one answer holds come one after the other.
pub async fn the_feed_answers_in_portions(fixture: &impl Fn(Setup) -> Fixture) {
    let Fixture { store, guard: _guard } = fixture(Setup::default());
    let (_, start) = load(&*store).await;
    let total = CHANGES_ANSWER_COMMITS_MAX + 10;
    let writes = (0..total as u64).map(|account| {
        let store = store.clone();
        tokio::spawn(async move {
            put(&*store, AccountId(account), 0, &[("user", "x")]).await.unwrap();
        })
    });
    for write in writes.collect::<Vec<_>>() {
        write.await.unwrap();
    }
    match store.changes(start).await.unwrap() {
        Changes::List(sets) => {
            assert!(!sets.is_empty() && sets.len() <= CHANGES_ANSWER_COMMITS_MAX)
        }
        Changes::Lost => panic!("nothing was lost"),
    }
    assert_eq!(feed(&*store, start).await.len(), total);
}

/// Who comes too late is told so, and can load again and follow from there.
pub async fn a_feed_that_is_lost_says_so(fixture: &impl Fn(Setup) -> Fixture) {
    let kept = 16;
    let setup = Setup { change_log_commits: Some(kept) };
    let Fixture { store, guard: _guard } = fixture(setup);
    let (_, start) = load(&*store).await;
    for revision in 0..4 * kept as u64 {
        put(&*store, A, revision, &[("user", "x")]).await.unwrap();
    }
    assert_eq!(store.changes(start).await, Ok(Changes::Lost));
    let (_, cursor) = load(&*store).await;
    put(&*store, A, 4 * kept as u64, &[("user", "y")]).await.unwrap();
    assert_eq!(feed(&*store, cursor).await.len(), 1);
}

/// Who has followed so far goes on; who has not loads again; what is there stays.
pub async fn a_feed_that_is_forgotten_is_lost_and_goes_on(fixture: &impl Fn(Setup) -> Fixture) {
    let Fixture { store, guard: _guard } = fixture(Setup::default());
    store.forget_changes().await.unwrap();
    let (_, start) = load(&*store).await;
    for revision in 0..5 {
        put(&*store, A, revision, &[("user", "x")]).await.unwrap();
    }
    let (_, now) = load(&*store).await;
    store.forget_changes().await.unwrap();
    assert_eq!(store.changes(start).await, Ok(Changes::Lost));
    assert_eq!(store.changes(now).await, Ok(Changes::List(vec![])));
    assert_eq!(held(&*store, A).await, (Revision(5), vec![row("user", "x")]));
    put(&*store, A, 5, &[("user", "y")]).await.unwrap();
    assert_eq!(feed(&*store, now).await.len(), 1);
}

/// A cursor says nothing to a store that did not give it out.
pub async fn a_cursor_of_another_store_is_lost(fixture: &impl Fn(Setup) -> Fixture) {
    let (one, other) = (fixture(Setup::default()), fixture(Setup::default()));
    let cursor = put(&*one.store, A, 0, &[("user", "x")]).await.unwrap().cursor;
    put(&*other.store, A, 0, &[("user", "y")]).await.unwrap();
    put(&*other.store, A, 1, &[("user", "z")]).await.unwrap();
    assert_eq!(other.store.changes(cursor).await, Ok(Changes::Lost));
    let (_, elsewhere) = load(&*other.store).await;
    assert!(!elsewhere.reaches(cursor));
}

/// While others write, a load together with the feed from its cursor misses nothing and tells
/// nothing twice; lists are never seen half.
pub async fn a_load_and_its_cursor_are_of_one_moment(fixture: &impl Fn(Setup) -> Fixture) {
    let Fixture { store, guard: _guard } = fixture(Setup::default());
    let writing = store.clone();
    let writer = tokio::spawn(async move {
        for revision in 0..200 {
            let name = format!("row {}", revision % 50);
            let list = vec![
                commit(A, revision, &[(&name, &revision.to_string())]),
                commit(B, revision, &[(&name, &revision.to_string())]),
            ];
            writing.commit(list).await.unwrap();
        }
    });
    let mut loads = Vec::new();
    while !writer.is_finished() {
        let loaded = load(&*store).await;
        assert_eq!(loaded.0.get(&A), loaded.0.get(&B));
        loads.push(loaded);
        tokio::task::yield_now().await;
    }
    writer.await.unwrap();
    let end = load(&*store).await;
    for (mut everything, cursor) in loads {
        let cursor = follow(&mut everything, feed(&*store, cursor).await, cursor);
        assert_eq!((everything, cursor), end);
    }
}

/// A visitor that has seen enough ends the load.
pub async fn the_visitor_can_break_off(fixture: &impl Fn(Setup) -> Fixture) {
    struct Impatient(usize);
    impl RowVisitor for Impatient {
        fn account(&mut self, _: AccountId, _: Head) -> ControlFlow<()> {
            ControlFlow::Continue(())
        }
        fn row(&mut self, _: RowRef<'_>) -> ControlFlow<()> {
            self.0 += 1;
            if self.0 < 3 { ControlFlow::Continue(()) } else { ControlFlow::Break(()) }
        }
    }
    let Fixture { store, guard: _guard } = fixture(Setup::default());
    let rows = (0..50_000).map(|number| Row::new(RowKey::new(1, format!("{number}")), [2; 100]));
    let list = AccountCommit { puts: rows.collect(), ..commit(A, 0, &[]) };
    store.commit(vec![list]).await.unwrap();
    let mut visitor = Impatient(0);
    assert_eq!(store.load_all(&mut visitor).await, Err(StoreError::Stopped));
    assert_eq!(visitor.0, 3);
    assert_eq!(load(&*store).await.0[&A].1.len(), 50_000);
}

/// Many plan on the same revision: each revision is produced by exactly one.
pub async fn of_racing_commits_one_wins(fixture: &impl Fn(Setup) -> Fixture) {
    const RACERS: u64 = 8;
    const WINS: u64 = 10;
    let Fixture { store, guard: _guard } = fixture(Setup::default());
    let (_, start) = load(&*store).await;
    let race = |racer: u64| {
        let store = store.clone();
        async move {
            let (mut expected, mut won) = (0, Vec::new());
            while won.len() < WINS as usize {
                match put(&*store, A, expected, &[(&racer.to_string(), "x")]).await {
                    Ok(committed) => {
                        expected = committed.revisions[0].1.0;
                        won.push(expected);
                    }
                    Err(CommitError::Conflict { account: A, revision }) => {
                        assert!(revision.0 > expected, "a conflict names a later revision");
                        expected = revision.0;
                    }
                    Err(other) => panic!("{other}"),
                }
            }
            won
        }
    };
    let racers: Vec<_> = (0..RACERS).map(|racer| tokio::spawn(race(racer))).collect();
    let mut won = Vec::new();
    for racer in racers {
        won.extend(racer.await.unwrap());
    }
    won.sort_unstable();
    assert_eq!(won, (1..=RACERS * WINS).collect::<Vec<_>>());
    let told: Vec<_> =
        feed(&*store, start).await.iter().map(|set| set.changes[0].revision.0).collect();
    assert_eq!(told, won);
}

/// Lists over the same accounts in different orders: all come through, none half.
pub async fn racing_lists_do_not_deadlock_or_mix(fixture: &impl Fn(Setup) -> Fixture) {
    let Fixture { store, guard: _guard } = fixture(Setup::default());
    let race = |racer: usize| {
        let store = store.clone();
        async move {
            let mut accounts = [A, B, FAR];
            accounts.rotate_left(racer % 3);
            let mut expected = 0;
            for round in 0..10 {
                let content = format!("{racer} {round}");
                let list = |expected| {
                    let each = accounts.iter();
                    each.map(|account| commit(*account, expected, &[("shared", &content)]))
                        .collect()
                };
                while let Err(refused) = store.commit(list(expected)).await {
                    match refused {
                        CommitError::Conflict { revision, .. } => expected = revision.0,
                        CommitError::Store(error) => panic!("{error}"),
                    }
                }
                expected += 1;
            }
        }
    };
    let racers: Vec<_> = (0..6).map(|racer| tokio::spawn(race(racer))).collect();
    for racer in racers {
        racer.await.unwrap();
    }
    let (everything, _) = load(&*store).await;
    assert_eq!(everything[&A].0, Revision(60));
    assert_eq!(everything[&A], everything[&B]);
    assert_eq!(everything[&A], everything[&FAR]);
}

/// A follower that waits for the hint is woken by a commit.
pub async fn the_hint_wakes_after_a_commit(fixture: &impl Fn(Setup) -> Fixture) {
    let Fixture { store, guard: _guard } = fixture(Setup::default());
    let (_, start) = load(&*store).await;
    let mut hint = store.hint();
    hint.mark_unchanged();
    let following = store.clone();
    let follower = tokio::spawn(async move {
        hint.changed().await.unwrap();
        feed(&*following, start).await
    });
    put(&*store, A, 0, &[("user", "x")]).await.unwrap();
    assert_eq!(follower.await.unwrap().len(), 1);
}

/// The seal of an account is that of its last commit, in a load, alone and in the feed.
pub async fn a_seal_is_replaced_with_every_commit(fixture: &impl Fn(Setup) -> Fixture) {
    let Fixture { store, guard: _guard } = fixture(Setup::default());
    let (_, start) = load(&*store).await;
    let seals = [vec![1; SEAL_BYTES_MAX], vec![], vec![0, 255, 7]];
    for (revision, seal) in seals.iter().enumerate() {
        let list = AccountCommit { seal: seal.clone(), ..commit(A, revision as u64, &[]) };
        store.commit(vec![list]).await.unwrap();
        let head = Head { revision: Revision(revision as u64 + 1), seal: seal.clone() };
        assert_eq!(store.read_account(A).await.unwrap().head, head);
    }
    put(&*store, B, 0, &[("user", "x")]).await.unwrap();
    let mut everything = Everything::default();
    store.load_all(&mut everything).await.unwrap();
    assert_eq!(everything.seals, BTreeMap::from([(A, vec![0, 255, 7]), (B, vec![])]));
    let sets = feed(&*store, start).await;
    let told: Vec<Vec<u8>> = sets.iter().map(|set| set.changes[0].seal.clone()).collect();
    assert_eq!(told[..3], seals);
    let large = AccountCommit { seal: vec![0; SEAL_BYTES_MAX + 1], ..commit(A, 3, &[]) };
    let refused = store.commit(vec![large]).await;
    assert!(matches!(refused, Err(CommitError::Store(StoreError::Invalid { .. }))));
}

/// Records are there if their commit is, numbered by account without gaps; they change no rows.
pub async fn records_are_appended_with_their_commit(fixture: &impl Fn(Setup) -> Fixture) {
    let Fixture { store, guard: _guard } = fixture(Setup::default());
    let with = |account, expected, records: &[&[u8]]| AccountCommit {
        records: records.iter().map(|record| record.to_vec()).collect(),
        ..commit(account, expected, &[("user", "x")])
    };
    let record = |number, bytes: &[u8]| Record { number, bytes: bytes.to_vec() };
    assert_eq!(store.read_records(A, 0, 10).await, Ok(vec![]));
    store.commit(vec![with(A, 0, &[b"one", b""]), with(B, 0, &[b"other"])]).await.unwrap();
    store.commit(vec![with(A, 7, &[b"lost"])]).await.unwrap_err();
    store.commit(vec![with(A, 1, &[b"three"]), with(B, 7, &[b"lost"])]).await.unwrap_err();
    store.commit(vec![with(A, 1, &[])]).await.unwrap();
    store.commit(vec![with(A, 2, &[b"three"])]).await.unwrap();
    let all = vec![record(1, b"one"), record(2, b""), record(3, b"three")];
    assert_eq!(store.read_records(A, 0, 10).await, Ok(all.clone()));
    assert_eq!(store.read_records(A, 1, 1).await, Ok(all[1..2].to_vec()));
    assert_eq!(store.read_records(A, 3, 10).await, Ok(vec![]));
    assert_eq!(store.read_records(A, u64::MAX, 10).await, Ok(vec![]));
    assert_eq!(store.read_records(B, 0, 10).await, Ok(vec![record(1, b"other")]));
    assert_eq!(held(&*store, A).await, (Revision(3), vec![row("user", "x")]));
    let large = vec![0; RECORD_BYTES_MAX + 1];
    let refused = store.commit(vec![with(A, 3, &[&large])]).await;
    assert!(matches!(refused, Err(CommitError::Store(StoreError::Invalid { .. }))));
}

/// An answer has an end; what is forgotten is gone, but never the place of the log.
pub async fn records_come_in_portions_and_can_be_forgotten(fixture: &impl Fn(Setup) -> Fixture) {
    let Fixture { store, guard: _guard } = fixture(Setup::default());
    let total = RECORDS_ANSWER_MAX + 10;
    let records = (0..total).map(|number| number.to_string().into_bytes()).collect();
    store.commit(vec![AccountCommit { records, ..commit(A, 0, &[]) }]).await.unwrap();
    let numbers = |records: Vec<Record>| records.iter().map(|it| it.number).collect::<Vec<_>>();
    let first = numbers(store.read_records(A, 0, usize::MAX).await.unwrap());
    assert_eq!(first, (1..=RECORDS_ANSWER_MAX as u64).collect::<Vec<_>>());
    store.forget_records(A, total as u64 - 2).await.unwrap();
    store.forget_records(B, 5).await.unwrap();
    let last = total as u64;
    assert_eq!(numbers(store.read_records(A, 0, 10).await.unwrap()), [last - 1, last]);
    store.forget_records(A, u64::MAX).await.unwrap();
    assert_eq!(numbers(store.read_records(A, 0, 10).await.unwrap()), [last]);
    let more = AccountCommit { records: vec![vec![1]], ..commit(A, 1, &[]) };
    store.commit(vec![more]).await.unwrap();
    assert_eq!(numbers(store.read_records(A, 0, 10).await.unwrap()), [last, last + 1]);
}

/// Once granted, a claim is taken; other keys are not.
pub async fn a_claim_is_granted_once(fixture: &impl Fn(Setup) -> Fixture) {
    let Fixture { store, guard: _guard } = fixture(Setup::default());
    let (one, other) = (claim("totp/1"), claim("totp/2"));
    assert_eq!(store.claim(&one, 100, 10).await, Ok(Claimed::First));
    assert_eq!(store.claim(&one, 100, 10).await, Ok(Claimed::Already));
    assert_eq!(store.claim(&one, 900, 99).await, Ok(Claimed::Already));
    assert_eq!(store.claim(&other, 100, 10).await, Ok(Claimed::First));
}

/// Many claim at once: one is first.
pub async fn of_racing_claims_one_wins(fixture: &impl Fn(Setup) -> Fixture) {
    let Fixture { store, guard: _guard } = fixture(Setup::default());
    let race = || {
        let store = store.clone();
        async move { store.claim(&claim("assertion"), 100, 10).await.unwrap() }
    };
    let racers: Vec<_> = (0..32).map(|_| tokio::spawn(race())).collect();
    let mut first = 0;
    for racer in racers {
        first += usize::from(racer.await.unwrap() == Claimed::First);
    }
    assert_eq!(first, 1);
}

/// A claim holds until its expiry and no longer, by the caller's clock.
pub async fn an_expired_claim_is_free_again(fixture: &impl Fn(Setup) -> Fixture) {
    let Fixture { store, guard: _guard } = fixture(Setup::default());
    let key = claim("code");
    assert_eq!(store.claim(&key, 100, 10).await, Ok(Claimed::First));
    assert_eq!(store.claim(&key, 200, 99).await, Ok(Claimed::Already));
    assert_eq!(store.claim(&key, 200, 100).await, Ok(Claimed::First));
    assert_eq!(store.claim(&key, 300, 150).await, Ok(Claimed::Already));
}

/// What has expired already cannot be used even once.
pub async fn a_claim_that_has_expired_is_refused(fixture: &impl Fn(Setup) -> Fixture) {
    let Fixture { store, guard: _guard } = fixture(Setup::default());
    let key = claim("code");
    assert_eq!(store.claim(&key, 10, 10).await, Ok(Claimed::Already));
    assert_eq!(store.claim(&key, i64::MIN, i64::MAX).await, Ok(Claimed::Already));
    assert_eq!(store.claim(&key, i64::MAX, i64::MIN).await, Ok(Claimed::First));
}

/// In whatever order and however often facts are merged, the outcome is one.
pub async fn the_later_fact_stays(fixture: &impl Fn(Setup) -> Fixture) {
    let Fixture { store, guard: _guard } = fixture(Setup::default());
    let early = fact(A, "key/1", 10, "early");
    let late = fact(A, "key/1", 20, "late");
    let tie = fact(A, "key/1", 20, "later in the alphabet: no");
    let other = fact(B, "key/1", -5, "");
    store.merge_facts(vec![late.clone(), early.clone()]).await.unwrap();
    store.merge_facts(vec![other.clone(), early.clone()]).await.unwrap();
    assert_eq!(facts(&*store).await, [late.clone(), other.clone()]);
    for again in [vec![tie.clone(), late], vec![early, tie.clone()], vec![]] {
        store.merge_facts(again).await.unwrap();
        assert_eq!(facts(&*store).await, [tie.clone(), other.clone()]);
    }
    assert!(load(&*store).await.0.is_empty(), "facts are not part of any account's revision");
    let large = Fact { bytes: vec![0; crate::FACT_BYTES_MAX + 1], ..tie };
    let refused = store.merge_facts(vec![large]).await;
    assert!(matches!(refused, Err(StoreError::Invalid { .. })));
}

/// Facts of what is no more can be dropped.
pub async fn facts_can_be_forgotten(fixture: &impl Fn(Setup) -> Fixture) {
    let Fixture { store, guard: _guard } = fixture(Setup::default());
    let (one, other) = (fact(A, "key/1", 1, "x"), fact(B, "key/1", 1, "y"));
    store.merge_facts(vec![one, other.clone()]).await.unwrap();
    store.forget_facts(vec![(A, "key/1".into()), (A, "never there".into())]).await.unwrap();
    assert_eq!(facts(&*store).await, [other]);
}

/// After closing, nothing is answered but that.
pub async fn a_closed_store_says_so(fixture: &impl Fn(Setup) -> Fixture) {
    let Fixture { store, guard: _guard } = fixture(Setup::default());
    let (_, cursor) = load(&*store).await;
    put(&*store, A, 0, &[("user", "x")]).await.unwrap();
    store.close().await.unwrap();
    store.close().await.unwrap();
    let refused = put(&*store, A, 1, &[("user", "y")]).await;
    assert_eq!(refused, Err(CommitError::Store(StoreError::Closed)));
    assert_eq!(store.read_account(A).await, Err(StoreError::Closed));
    assert_eq!(store.changes(cursor).await, Err(StoreError::Closed));
    assert_eq!(store.claim(&claim("x"), 2, 1).await, Err(StoreError::Closed));
    assert_eq!(store.load_all(&mut Everything::default()).await, Err(StoreError::Closed));
}

/// What a store holds: revision and rows of each account.
pub type Held = BTreeMap<AccountId, (Revision, Vec<Row>)>;

/// Loads everything, and checks the order in which it comes.
pub async fn load(store: &dyn Store) -> (Held, Cursor) {
    let mut everything = Everything::default();
    let cursor = store.load_all(&mut everything).await.unwrap();
    (everything.held, cursor)
}

/// Collects what a load shows.
#[derive(Default)]
pub struct Everything {
    /// What has been shown.
    pub held: Held,
    /// The seals of the accounts.
    pub seals: BTreeMap<AccountId, Vec<u8>>,
    current: Option<AccountId>,
}

impl RowVisitor for Everything {
    fn account(&mut self, account: AccountId, head: Head) -> ControlFlow<()> {
        let seen = self.held.insert(account, (head.revision, Vec::new()));
        self.seals.insert(account, head.seal);
        assert!(seen.is_none(), "an account comes once");
        self.current = Some(account);
        ControlFlow::Continue(())
    }

    fn row(&mut self, row: RowRef<'_>) -> ControlFlow<()> {
        let rows = &mut self.held.get_mut(&self.current.unwrap()).unwrap().1;
        let row = row.to_row();
        assert!(rows.last().is_none_or(|last| last.key < row.key), "rows come in order");
        rows.push(row);
        ControlFlow::Continue(())
    }
}

/// Collects all facts.
pub async fn facts(store: &dyn Store) -> Vec<Fact> {
    struct All(Vec<Fact>);
    impl FactVisitor for All {
        fn fact(&mut self, fact: FactRef<'_>) -> ControlFlow<()> {
            self.0.push(fact.to_fact());
            ControlFlow::Continue(())
        }
    }
    let mut all = All(Vec::new());
    store.read_facts(&mut all).await.unwrap();
    all.0
}

/// Everything that the feed holds after `cursor`.
pub async fn feed(store: &dyn Store, mut cursor: Cursor) -> Vec<ChangeSet> {
    let mut all: Vec<ChangeSet> = Vec::new();
    loop {
        match store.changes(cursor).await.unwrap() {
            Changes::List(sets) if sets.is_empty() => return all,
            Changes::List(sets) => {
                cursor = sets.last().unwrap().cursor;
                all.extend(sets);
            }
            Changes::Lost => panic!("the feed was lost"),
        }
    }
}

/// The revision and rows of an account.
pub async fn held(store: &dyn Store, account: AccountId) -> (Revision, Vec<Row>) {
    let AccountRows { head, rows } = store.read_account(account).await.unwrap();
    (head.revision, rows)
}

fn follow(held: &mut Held, sets: Vec<ChangeSet>, mut cursor: Cursor) -> Cursor {
    for set in sets {
        cursor = set.cursor;
        for change in set.changes {
            let (revision, rows) =
                held.entry(change.account).or_insert((Revision::ABSENT, Vec::new()));
            assert_eq!(change.revision, revision.next(), "no commit is missing or told twice");
            *revision = change.revision;
            rows.retain(|row| {
                !change.removes.contains(&row.key)
                    && change.puts.iter().all(|put| put.key != row.key)
            });
            rows.extend(change.puts);
            rows.sort_by(|one, other| one.key.cmp(&other.key));
        }
    }
    cursor
}

/// Commits rows to one account.
pub async fn put(
    store: &dyn Store,
    account: AccountId,
    expected: u64,
    rows: &[(&str, &str)],
) -> Result<Committed, CommitError> {
    store.commit(vec![commit(account, expected, rows)]).await
}

/// The commit of these rows.
#[must_use]
pub fn commit(account: AccountId, expected: u64, rows: &[(&str, &str)]) -> AccountCommit {
    let puts = rows.iter().map(|(id, content)| row(id, content)).collect();
    AccountCommit { puts, ..AccountCommit::new(account, Revision(expected)) }
}

fn remove(account: AccountId, expected: u64, ids: &[&str]) -> AccountCommit {
    AccountCommit {
        removes: ids.iter().map(|id| key(id)).collect(),
        ..commit(account, expected, &[])
    }
}

fn key(id: &str) -> RowKey {
    RowKey::new(1, id)
}

fn row(id: &str, content: &str) -> Row {
    Row::new(key(id), content.as_bytes())
}

fn claim(key: &str) -> ClaimKey {
    ClaimKey::new(key.as_bytes()).unwrap()
}

fn fact(account: AccountId, key: &str, at: i64, content: &str) -> Fact {
    Fact { account, key: key.into(), at, bytes: content.into() }
}
