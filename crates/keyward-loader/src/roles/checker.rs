use keyward_core::{
    Account, Attempt, Checker, Denial, Presented, PresentedKind, Result, Round, Secret, Verifier,
    VerifierForm,
};
use keyward_wire::cbor::{Fields, Malformed, Map};
use keyward_wire::message::{Call, checker};

use super::{Messages, Served, answer, not_valid, unknown};
use crate::process::instance::Instance;

impl Messages for dyn Checker {
    const CALLS: &'static [&'static str] = &["check", "resume", "account", "example"];

    type Abilities = (Vec<PresentedKind>, Vec<VerifierForm>);

    fn read_abilities(answer: &Map<'_>) -> Result<Self::Abilities, Malformed> {
        checker::read_abilities(answer)
    }

    fn call_child(instance: Instance, (accepts, stores): Self::Abilities) -> Box<Self> {
        Box::new(ChildChecker { instance, accepts, stores })
    }

    fn serve(backend: Box<Self>) -> Box<dyn Served> {
        Box::new(backend)
    }
}

/// A checker in a child.
///
/// A client can send more than the protocol allows. That is a refusal and no error: an error would
/// mean that the checker cannot be reached.
#[derive(Debug)]
struct ChildChecker {
    instance: Instance,
    accepts: Vec<PresentedKind>,
    stores: Vec<VerifierForm>,
}

impl Checker for ChildChecker {
    fn accepts(&self) -> &[PresentedKind] {
        &self.accepts
    }

    fn stores(&self) -> &[VerifierForm] {
        &self.stores
    }

    fn check(&self, presented: &Presented, attempt: &Attempt) -> Result<Round> {
        if !presented.user().is_none_or(checker::is_name) {
            return Ok(Round::Unknown);
        }
        if !checker::is_small(presented, attempt) {
            return Ok(Round::wrong(Denial::Malformed));
        }
        let write = |fields: &mut Fields<'_>| checker::write_check(fields, presented, attempt);
        self.instance.call("check", write, checker::read_round)
    }

    fn resume(&self, pending: &Secret, answer: &Secret, attempt: &Attempt) -> Result<Round> {
        if answer.len() > checker::MAX_MESSAGE || !checker::is_small_attempt(attempt) {
            return Ok(Round::wrong(Denial::Malformed));
        }
        self.instance.call(
            "resume",
            |fields| checker::write_resume(fields, pending, answer, attempt),
            checker::read_round,
        )
    }

    fn account(&self, user: &str, form: VerifierForm) -> Result<Option<Account>> {
        if !checker::is_name(user) || !self.stores.contains(&form) {
            return Ok(None);
        }
        self.instance.call(
            "account",
            |fields| checker::write_account_call(fields, user, form),
            |answer| checker::read_account(answer, form),
        )
    }

    fn example(&self, pick: u64, form: VerifierForm) -> Result<Option<Verifier>> {
        if !self.stores.contains(&form) {
            return Ok(None);
        }
        self.instance.call(
            "example",
            |fields| checker::write_example_call(fields, pick, form),
            |answer| checker::read_example(answer, form),
        )
    }
}

impl Served for Box<dyn Checker> {
    fn write_abilities(&self, fields: &mut Fields<'_>) {
        checker::write_abilities(fields, self.accepts(), self.stores());
    }

    fn call(&self, call: &Call<'_>) -> Result<Secret> {
        let arguments = &call.arguments;
        match call.name {
            "check" => {
                let (presented, attempt) = checker::read_check(arguments).map_err(not_valid)?;
                answer_with(call, &self.check(&presented, &attempt)?)
            }
            "resume" => {
                let (pending, said, attempt) =
                    checker::read_resume(arguments).map_err(not_valid)?;
                answer_with(call, &self.resume(&pending, &said, &attempt)?)
            }
            "account" => {
                let (user, form) = checker::read_account_call(arguments).map_err(not_valid)?;
                let account = self.account(&user, form)?;
                account.iter().try_for_each(|account| checker::check_account(account, form))?;
                answer(call, |fields| checker::write_account(fields, account.as_ref()))
            }
            "example" => {
                let (pick, form) = checker::read_example_call(arguments).map_err(not_valid)?;
                let example = self.example(pick, form)?;
                example.iter().try_for_each(|example| checker::check_example(example, form))?;
                answer(call, |fields| checker::write_example(fields, example.as_ref()))
            }
            _ => Err(unknown()),
        }
    }
}

fn answer_with(call: &Call<'_>, round: &Round) -> Result<Secret> {
    checker::check_round(round)?;
    answer(call, |fields| checker::write_round(fields, round))
}
