use std::sync::Arc;

use keyward_core::Timestamp;
use keyward_testkit::MemorySource;

use super::*;

fn memories() -> [Box<dyn Memory>; 2] {
    let source = Arc::new(MemorySource::listing());
    [Box::new(LocalMemory::default()), Box::new(SharedMemory::new(source, "portal"))]
}

fn key(about: &str) -> Key {
    Key { topic: Topic::Pending, about: about.to_owned() }
}

fn unix(seconds: u64) -> Timestamp {
    Timestamp::from_unix(1000 + seconds)
}

const MINUTE: Duration = Duration::from_secs(60);

#[test]
fn a_note_is_taken_once() {
    for memory in memories() {
        put(&*memory, &key("a"), unix(0), MINUTE, &"x".into()).unwrap();
        assert_eq!(take(&*memory, &key("b"), unix(0)).unwrap(), None);
        assert_eq!(take(&*memory, &key("a"), unix(59)).unwrap(), Some("x".into()));
        assert_eq!(take(&*memory, &key("a"), unix(59)).unwrap(), None);
    }
}

#[test]
fn a_note_ends_with_its_time() {
    for memory in memories() {
        put(&*memory, &key("a"), unix(0), MINUTE, &"x".into()).unwrap();
        assert_eq!(take(&*memory, &key("a"), unix(60)).unwrap(), None);
    }
}

#[test]
fn a_number_only_grows() {
    for memory in memories() {
        let mut step = |number| advance(&*memory, &key("a"), unix(0), MINUTE, number).unwrap();
        assert_eq!([5, 5, 4, 6].map(&mut step), [true, false, false, true]);
    }
}

#[test]
fn one_of_many_threads_takes_a_note() {
    for memory in memories() {
        put(&*memory, &key("a"), unix(0), MINUTE, &"x".into()).unwrap();
        let take = || take(&*memory, &key("a"), unix(0)).unwrap().is_some();
        let taken = std::thread::scope(|scope| {
            let threads: Vec<_> = (0..20).map(|_| scope.spawn(take)).collect();
            threads
                .into_iter()
                .filter(|_| true)
                .map(|it| it.join().unwrap())
                .filter(|it| *it)
                .count()
        });
        assert_eq!(taken, 1);
    }
}

#[test]
fn a_full_memory_forgets_what_ends_first() {
    let memory = LocalMemory::with_limit(2);
    for (about, life) in [("a", 3), ("b", 1), ("c", 2)] {
        put(&memory, &key(about), unix(0), MINUTE * life, &"x".into()).unwrap();
    }
    let other = Key { topic: Topic::Code, about: "b".into() };
    put(&memory, &other, unix(0), MINUTE, &"y".into()).unwrap();
    assert_eq!(take(&memory, &key("b"), unix(0)).unwrap(), None);
    assert!(take(&memory, &key("a"), unix(0)).unwrap().is_some());
    assert!(take(&memory, &key("c"), unix(0)).unwrap().is_some());
    assert!(take(&memory, &other, unix(0)).unwrap().is_some());
}

#[test]
fn ended_notes_are_removed_from_a_store() {
    let source = Arc::new(MemorySource::listing());
    let memory = SharedMemory::new(Arc::clone(&source) as Arc<dyn keyward_core::Source>, "portal");
    for about in ["a", "b", "c"] {
        put(&memory, &key(about), unix(0), MINUTE, &"x".into()).unwrap();
    }
    put(&memory, &key("d"), unix(200), MINUTE, &"x".into()).unwrap();
    let left = keyward_core::Source::list(&*source, &keyward_core::Query::default()).unwrap();
    assert_eq!(left.entries.len(), 1);
}
