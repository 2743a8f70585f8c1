//! The rules of copies and imports.

use std::ops::ControlFlow;

use super::{A, B, FAR, Fixture, Setup, claim, commit, fact, feed, load, put, row};
use crate::{
    AccountId, ClaimKey, Claimed, CopyVisitor, FactRef, FactVisitor, Head, Imported, Record,
    Revision, RowRef, RowVisitor, Store, StoreError,
};

/// What a copy tells, imported into another store, makes that store tell the same.
pub async fn a_copy_that_is_imported_tells_the_same(fixture: &impl Fn(Setup) -> Fixture) {
    let Fixture { store, guard: _guard } = fixture(Setup::default());
    fill(&*store).await;
    let copied = copy(&*store, B).await;
    let heads: Vec<AccountId> = copied.iter().filter_map(head).collect();
    assert_eq!(heads.first(), Some(&B), "the account that was named comes first");
    assert_eq!(heads.len(), 3);

    let Fixture { store: other, guard: _other } = fixture(Setup::default());
    let (_, cursor) = load(&*other).await;
    // In portions that end in the middle of accounts.
    for portion in copied.chunks(2) {
        other.import(portion.to_vec()).await.unwrap();
    }
    assert_eq!(copy(&*other, B).await, copied);
    assert_eq!(load(&*other).await.0, load(&*store).await.0);
    assert!(feed(&*other, cursor).await.is_empty(), "the feed does not tell of it");
    // It goes on from there.
    put(&*other, A, 1, &[]).await.unwrap_err();
    put(&*other, A, 3, &[("user", "z")]).await.unwrap();
    let appended = crate::AccountCommit { records: vec![b"4".to_vec()], ..commit(A, 4, &[]) };
    other.commit(vec![appended]).await.unwrap();
    let records = other.read_records(A, 0, 10).await.unwrap();
    assert_eq!(records.iter().map(|record| record.number).collect::<Vec<_>>(), [2, 3, 4]);
    assert_eq!(other.claim(&claim("once"), 100, 0).await, Ok(Claimed::Already));
}

/// What is there, or has no place, takes the whole list with it.
pub async fn an_import_happens_whole_or_not_at_all(fixture: &impl Fn(Setup) -> Fixture) {
    let Fixture { store, guard: _guard } = fixture(Setup::default());
    fill(&*store).await;
    let before = copy(&*store, A).await;
    let account = |account| Imported::Account { account, head: Head::ABSENT };
    let new = AccountId(5);
    let put = |account, id: &str| Imported::Row { account, row: row(id, "content") };
    let record =
        |account, number| Imported::Record { account, record: Record { number, bytes: vec![7] } };
    let wrong = [
        account(A),
        put(A, "user"),
        put(AccountId(6), "user"),
        record(A, 3),
        record(A, 5),
        record(new, 0),
        Imported::Fact(fact(A, "key", 1, "older")),
        Imported::Claim { key: claim("once"), expiry: 1 },
    ];
    for thing in wrong {
        let list = vec![account(new), put(new, "user"), put(A, "another"), thing.clone()];
        let refused = store.import(list).await.unwrap_err();
        assert!(matches!(refused, StoreError::Invalid { .. }), "{thing:?}: {refused}");
        assert_eq!(copy(&*store, A).await, before, "{thing:?}");
    }
    store.import(vec![account(new), put(new, "user"), put(A, "another")]).await.unwrap();
    assert_eq!(copy(&*store, A).await.len(), before.len() + 3);
}

/// The visitor of a copy can break it off, at any place.
pub async fn a_copy_can_be_broken_off(fixture: &impl Fn(Setup) -> Fixture) {
    let Fixture { store, guard: _guard } = fixture(Setup::default());
    fill(&*store).await;
    let all = copy(&*store, A).await.len();
    for most in 0..all {
        let mut copied = Copied { most, ..Copied::default() };
        assert_eq!(store.copy_all(A, &mut copied).await, Err(StoreError::Stopped));
        assert_eq!(copied.things.len(), most + 1);
    }
}

async fn fill(store: &dyn Store) {
    put(store, A, 0, &[("user", "x"), ("user2", "y")]).await.unwrap();
    for (revision, record) in [(1, "1"), (2, "2")] {
        let mut next = commit(A, revision, &[("user", record)]);
        next.records = vec![record.into(), "more".into()];
        next.records.truncate(revision as usize);
        next.seal = b"seal".to_vec();
        store.commit(vec![next]).await.unwrap();
    }
    store.forget_records(A, 1).await.unwrap();
    put(store, B, 0, &[("user", "b")]).await.unwrap();
    put(store, FAR, 0, &[]).await.unwrap();
    store.merge_facts(vec![fact(A, "key", 9, "used"), fact(FAR, "key", 8, "")]).await.unwrap();
    assert_eq!(store.claim(&claim("once"), 100, 0).await, Ok(Claimed::First));
}

async fn copy(store: &dyn Store, first: AccountId) -> Vec<Imported> {
    let mut copied = Copied { most: usize::MAX, ..Copied::default() };
    store.copy_all(first, &mut copied).await.unwrap();
    copied.things
}

fn head(thing: &Imported) -> Option<AccountId> {
    match thing {
        Imported::Account { account, head } => {
            assert_ne!(head.revision, Revision::ABSENT);
            Some(*account)
        }
        Imported::Row { .. }
        | Imported::Record { .. }
        | Imported::Fact(_)
        | Imported::Claim { .. } => None,
    }
}

#[derive(Default)]
struct Copied {
    most: usize,
    things: Vec<Imported>,
    current: Option<AccountId>,
}

impl Copied {
    fn take(&mut self, thing: Imported) -> ControlFlow<()> {
        self.things.push(thing);
        if self.things.len() > self.most {
            return ControlFlow::Break(());
        }
        ControlFlow::Continue(())
    }
}

impl RowVisitor for Copied {
    fn account(&mut self, account: AccountId, head: Head) -> ControlFlow<()> {
        self.current = Some(account);
        self.take(Imported::Account { account, head })
    }

    fn row(&mut self, row: RowRef<'_>) -> ControlFlow<()> {
        let account = self.current.unwrap();
        self.take(Imported::Row { account, row: row.to_row() })
    }
}

impl FactVisitor for Copied {
    fn fact(&mut self, fact: FactRef<'_>) -> ControlFlow<()> {
        self.take(Imported::Fact(fact.to_fact()))
    }
}

impl CopyVisitor for Copied {
    fn record(&mut self, number: u64, bytes: &[u8]) -> ControlFlow<()> {
        let (account, bytes) = (self.current.unwrap(), bytes.to_vec());
        self.take(Imported::Record { account, record: Record { number, bytes } })
    }

    fn claim(&mut self, key: &[u8], expiry: i64) -> ControlFlow<()> {
        self.take(Imported::Claim { key: ClaimKey::new(key).unwrap(), expiry })
    }
}
