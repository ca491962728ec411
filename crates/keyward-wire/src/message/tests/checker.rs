//! What is said of checkers comes back, and each limit is the one of the specification.

use keyward_core::{
    Account, Attempt, Denial, Identity, Presented, PresentedKind, Round, Timestamp, Verifier,
    VerifierForm,
};

use super::limits::says;
use super::*;
use crate::message::checker::{
    MAX_KIND, MAX_KINDS, MAX_MESSAGE, MAX_NAME, MAX_VERIFIERS, MAX_VERIFIERS_BYTES, check_account,
    check_example, check_round, forms, is_name, is_small, read_abilities, read_account,
    read_account_call, read_check, read_example, read_example_call, read_resume, read_round,
    write_abilities, write_account, write_account_call, write_check, write_example,
    write_example_call, write_resume, write_round,
};
use crate::message::pairs::{MAX_PAIRS, MAX_PAIRS_BYTES};

fn attempt() -> Attempt {
    Attempt::from_address("192.0.2.1").private().to("imap")
}

/// The frames of the example: a login with a password, and a look-up of a hash.
pub(super) fn conversation() -> Vec<(&'static str, Secret)> {
    let form = VerifierForm::PasswordHash;
    let presented = Presented::password("ann", "secret");
    let accepted = Round::accepted(Identity::new("ann").unwrap());
    let account = Account::new(Identity::new("ann").unwrap(), vec![Verifier::new(form, "$6$a$b")]);
    vec![
        (
            "host",
            call(Some(2), "open", Some(1), |fields| {
                fields.put("role", "checker").put("name", "example.users").put("options", "{}");
            })
            .unwrap(),
        ),
        (
            "child",
            answer(2, "open", |fields| {
                write_abilities(fields, &[PresentedKind::PASSWORD], &[form]);
            })
            .unwrap(),
        ),
        (
            "host",
            call(Some(3), "check", Some(1), |fields| {
                write_check(fields, &presented, &attempt());
            })
            .unwrap(),
        ),
        ("child", answer(3, "check", |fields| write_round(fields, &accepted)).unwrap()),
        (
            "host",
            call(Some(4), "account", Some(1), |fields| write_account_call(fields, "ann", form))
                .unwrap(),
        ),
        ("child", answer(4, "account", |fields| write_account(fields, Some(&account))).unwrap()),
        (
            "host",
            call(Some(5), "example", Some(1), |fields| write_example_call(fields, 7, form))
                .unwrap(),
        ),
        (
            "child",
            answer(5, "example", |fields| write_example(fields, account.verifiers.first()))
                .unwrap(),
        ),
    ]
}

/// Writes a map of fields and reads it again.
fn read_back<T>(
    write: impl FnOnce(&mut Fields<'_>),
    read: impl FnOnce(&Map<'_>) -> Result<T, Malformed>,
) -> Option<T> {
    let frame = answer(1, "check", write).unwrap();
    let Ok(Message::Answer { outcome: Ok(fields), .. }) = Message::read(&frame.expose()[4..])
    else {
        panic!()
    };
    read(&fields).ok()
}

/// What a child reads of a credential; `None` if it refuses it.
fn heard(presented: &Presented, attempt: &Attempt) -> Option<(Presented, Attempt)> {
    let read = read_back(|fields| write_check(fields, presented, attempt), read_check);
    let fits = is_small(presented, attempt) && presented.user().is_none_or(is_name);
    assert_eq!(read.is_some(), fits);
    read
}

/// What a host reads of a round; `None` if it refuses it.
fn said(round: &Round) -> Option<Round> {
    let read = read_back(|fields| write_round(fields, round), read_round);
    assert_eq!(read.is_some(), check_round(round).is_ok());
    read
}

fn account_of(verifiers: Vec<Verifier>) -> Account {
    Account::new(Identity::new("ann").unwrap(), verifiers)
}

/// What a host reads of an account; `None` if it refuses it.
fn shown(account: &Account, form: VerifierForm) -> Option<Option<Account>> {
    let write = |fields: &mut Fields<'_>| write_account(fields, Some(account));
    let read = read_back(write, |fields| read_account(fields, form));
    assert_eq!(read.is_some(), check_account(account, form).is_ok());
    read
}

#[test]
fn every_credential_comes_back() {
    for kind in PresentedKind::ALL {
        let presented = Presented::new(kind.clone());
        assert_eq!(heard(&presented, &Attempt::default()), Some((presented, Attempt::default())));
    }
    let presented = Presented::new(PresentedKind::from_name("example.badge").unwrap())
        .also(PresentedKind::PASSWORD)
        .named("ann\0\n")
        .with("password", &[0, 0xff][..])
        .with("", "");
    assert_eq!(heard(&presented, &attempt()), Some((presented, attempt())));
    let resume = (Secret::from(&[0xff][..]), Secret::default(), attempt());
    let write = |fields: &mut Fields<'_>| write_resume(fields, &resume.0, &resume.1, &resume.2);
    assert_eq!(read_back(write, read_resume), Some(resume.clone()));
}

#[test]
fn every_round_comes_back() {
    let last = || Some(Secret::from(&[0, 0xff][..]));
    let mut rounds = vec![
        Round::Unknown,
        Round::Accepted { identity: None, last: None, until: None },
        Round::Accepted {
            identity: Some(Identity::new("ann").unwrap()),
            last: last(),
            until: Some(Timestamp::from_unix(1_800_000_000)),
        },
        Round::Challenge { pending: Secret::from("p"), challenge: Secret::from("c") },
        Round::Wrong { why: Denial::Secret, last: last() },
    ];
    let denials = [
        Denial::Secret,
        Denial::Malformed,
        Denial::Disabled,
        Denial::Expired,
        Denial::PasswordChangeDue,
        Denial::Replayed,
        Denial::Restricted,
    ];
    rounds.extend(denials.map(Round::wrong));
    for round in rounds {
        assert_eq!(said(&round), Some(round));
    }
    for why in denials {
        let mut account = account_of(Vec::new());
        account.denied = Some(why);
        assert_eq!(shown(&account, VerifierForm::Md5), Some(Some(account)));
    }
}

#[test]
fn every_verifier_comes_back() {
    assert_eq!(forms().count(), 10);
    for form in forms() {
        let verifier = Verifier::new(form, "value");
        let account = account_of(vec![verifier.clone(), Verifier::new(form, "")]);
        assert_eq!(shown(&account, form), Some(Some(account)));
        let write = |fields: &mut Fields<'_>| write_example(fields, Some(&verifier));
        assert_eq!(read_back(write, |it| read_example(it, form)), Some(Some(verifier.clone())));
        let write = |fields: &mut Fields<'_>| write_account_call(fields, "ann", form);
        assert_eq!(read_back(write, read_account_call), Some(("ann".to_owned(), form)));
        let write = |fields: &mut Fields<'_>| write_example_call(fields, u64::MAX, form);
        assert_eq!(read_back(write, read_example_call), Some((u64::MAX, form)));
    }
    let form = VerifierForm::Md5;
    let none = |fields: &mut Fields<'_>| write_account(fields, None);
    assert_eq!(read_back(none, |fields| read_account(fields, form)), Some(None));
    let none = |fields: &mut Fields<'_>| write_example(fields, None);
    assert_eq!(read_back(none, |fields| read_example(fields, form)), Some(None));
}

#[test]
fn a_verifier_of_another_form_is_not_sent() {
    let verifier = Verifier::new(VerifierForm::Plaintext, "secret");
    assert!(check_example(&verifier, VerifierForm::Md5).is_err());
    assert!(check_account(&account_of(vec![verifier]), VerifierForm::Md5).is_err());
}

#[test]
fn abilities_of_a_later_version_are_left_out() {
    let (kinds, all): (_, Vec<_>) = (PresentedKind::ALL, forms().collect());
    let write = |fields: &mut Fields<'_>| write_abilities(fields, kinds, &all);
    assert_eq!(read_back(write, read_abilities), Some((kinds.to_vec(), all.clone())));
    let write = |fields: &mut Fields<'_>| {
        let words = ["later", "password", "example.badge", "md5"];
        for list in ["accepts", "stores"] {
            fields.put_list(list, &words, |out, word| crate::cbor::Put::put(*word, out));
        }
    };
    let (accepts, stores) = read_back(write, read_abilities).unwrap();
    assert_eq!(
        accepts.iter().map(PresentedKind::name).collect::<Vec<_>>(),
        ["password", "example.badge"]
    );
    assert_eq!(stores, [VerifierForm::Md5]);
    assert_eq!(read_back(nothing, read_abilities), Some((Vec::new(), Vec::new())));
}

/// An answer that is not whole does not let anybody in.
#[test]
fn an_answer_without_its_words_is_refused() {
    for (round, identity) in [("accept", "ann"), ("", "ann"), ("accepted", ""), ("wrong", "ann")] {
        let write = |fields: &mut Fields<'_>| {
            fields.put("round", round).put("identity", identity).put("why", "later");
        };
        assert!(read_back(write, read_round).is_none(), "{round:?} {identity:?}");
    }
    assert!(read_back(nothing, read_round).is_none());
    let write = |fields: &mut Fields<'_>| {
        fields.put("identity", "ann").put("denied", "later");
    };
    assert!(read_back(write, |fields| read_account(fields, VerifierForm::Md5)).is_none());
}

/// Checks that this size is accepted, and one more is not.
#[track_caller]
fn are_at_most(most: usize, taken: impl Fn(usize) -> bool) {
    assert!(taken(most), "{most} is too much");
    assert!(!taken(most + 1), "{most} is not the most");
}

#[test]
fn each_limit_is_that_of_the_specification() {
    says("A list of words has at most 64, each of at most 128 bytes.");
    says("A user, an address and a service have at most 65,536 bytes.");
    says("are at most 1,048,576.");
    says("`verifiers` is a list of at most 1,024 byte strings");
    says("text of at most 1,024 bytes");
    assert_eq!((MAX_KINDS, MAX_KIND, MAX_NAME), (64, 128, 65_536));
    assert_eq!((MAX_MESSAGE, MAX_VERIFIERS, MAX_VERIFIERS_BYTES), (1 << 20, 1024, 1 << 20));
    assert_eq!(Identity::MAX, 1024);

    let hears = |presented: &Presented| heard(presented, &Attempt::default()).is_some();
    let bare = || Presented::new(PresentedKind::TOKEN);
    are_at_most(MAX_NAME, |size| hears(&bare().named("u".repeat(size))));
    are_at_most(MAX_KINDS, |size| {
        hears(&(1..size).fold(bare(), |presented, _| presented.also(PresentedKind::TOKEN)))
    });
    are_at_most(MAX_KIND, |size| {
        hears(&Presented::new(PresentedKind::from_name(&".".repeat(size)).unwrap()))
    });
    are_at_most(MAX_PAIRS, |size| {
        hears(&(0..size).fold(bare(), |presented, at| presented.with(at.to_string(), "")))
    });
    are_at_most(MAX_PAIRS_BYTES, |size| hears(&bare().with("t", vec![0; size - 1])));
    are_at_most(MAX_NAME, |size| {
        heard(&bare(), &Attempt::from_address("a".repeat(size))).is_some()
    });
    are_at_most(MAX_NAME, |size| heard(&bare(), &attempt().to("a".repeat(size))).is_some());

    let long = |size| Some(Secret::from(vec![0; size]));
    are_at_most(MAX_MESSAGE, |size| {
        said(&Round::Accepted { identity: None, last: long(size), until: None }).is_some()
    });
    are_at_most(MAX_MESSAGE, |size| {
        said(&Round::Wrong { why: Denial::Secret, last: long(size) }).is_some()
    });
    let two = |pending, challenge| Round::Challenge { pending, challenge };
    are_at_most(MAX_MESSAGE, |size| said(&two(vec![0; size].into(), "".into())).is_some());
    are_at_most(MAX_MESSAGE, |size| said(&two("".into(), vec![0; size].into())).is_some());
    let resumes = |pending: usize, answer: usize| {
        let [pending, answer] = [pending, answer].map(|size| Secret::from(vec![0; size]));
        let write = |fields: &mut Fields<'_>| write_resume(fields, &pending, &answer, &attempt());
        read_back(write, read_resume).is_some()
    };
    are_at_most(MAX_MESSAGE, |size| resumes(size, 0));
    are_at_most(MAX_MESSAGE, |size| resumes(0, size));

    let form = VerifierForm::Token;
    are_at_most(MAX_VERIFIERS, |size| {
        shown(&account_of(vec![Verifier::new(form, ""); size]), form).is_some()
    });
    are_at_most(MAX_VERIFIERS_BYTES, |size| {
        let verifiers = vec![Verifier::new(form, vec![0; size - 1]), Verifier::new(form, "x")];
        shown(&account_of(verifiers), form).is_some()
    });
    are_at_most(MAX_VERIFIERS_BYTES, |size| {
        let verifier = Verifier::new(form, vec![0; size]);
        let write = |fields: &mut Fields<'_>| write_example(fields, Some(&verifier));
        let read = read_back(write, |fields| read_example(fields, form));
        assert_eq!(read.is_some(), check_example(&verifier, form).is_ok());
        read.is_some()
    });
    are_at_most(MAX_KINDS, |size| {
        let kinds = vec![PresentedKind::TOKEN; size];
        read_back(|fields| write_abilities(fields, &kinds, &[]), read_abilities).is_some()
    });
}
