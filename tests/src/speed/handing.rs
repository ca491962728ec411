//! Handing credentials to programs: by reference, by name, and as tokens.

use std::fmt::Write;
use std::fs;
use std::time::Duration;

use keyward::Credentials;
use keyward_core::{Expect, Field, Record, Timestamp};
use keyward_kinds::{fields, names};
use keyward_resolver::Query;

use super::cold::process;
use super::home::BenchHome;
use super::race::{Contestant, Table, race};
use super::{Plan, Result, peers};

/// How many secrets a program gets.
const SECRETS: usize = 100;

pub(super) fn measure(plan: &Plan) -> Result<Vec<Table>> {
    let home = BenchHome::new(&plan.program)?;
    let store = home.store("work", "file")?;
    let credentials = Credentials::new("ann", peers::PASSWORD);
    store.set_credentials(&store.entry(None, None)?, &credentials)?;
    let mut references = String::new();
    for number in 0..SECRETS {
        let name = format!("s{number}");
        store.set_credentials(&store.entry(None, Some(&name))?, &credentials)?;
        writeln!(references, "S{number}=keyward://work/{name}")?;
    }
    let token = Record::new(names::OAUTH2)
        .with(fields::CLIENT_ID, Field::open("cli"))
        .with(fields::TOKEN_URL, Field::open("https://login.example/token"))
        .with(fields::REFRESH_TOKEN, Field::secret("refresh"))
        .with(
            fields::ACCESS_TOKEN,
            Field::secret("access").with_expires(Some(Timestamp::from_unix(u64::MAX >> 1))),
        );
    store.put(&store.entry(None, Some("token"))?, &token, Expect::Absent)?;

    let file = home.below("references");
    #[expect(clippy::disallowed_methods, reason = "a file for measuring need not be durable")]
    fs::write(&file, references)?;
    let file = file.to_str().ok_or("the scratch folder's name is UTF-8")?;
    let run = race(
        "Starting a program with secrets",
        plan.rounds,
        vec![
            process("`true`: an empty process", home.other("true", &[])?),
            process("**`keyward run -- true`**", home.program(&["run", "--", "true"]))
                .adding(Duration::from_millis(10)),
            process(
                format!("**`keyward run --env-file` with {SECRETS} references**"),
                home.program(&["run", "--env-file", file, "--", "true"]),
            )
            .adding(Duration::from_millis(150)),
        ],
    )?;
    let token = race(
        "An OAuth token that is good",
        plan.rounds,
        vec![
            process("`keyward get work -p`", home.program(&["get", "work", "-p"])),
            process(
                "**`keyward oauth token work`**",
                home.program(&["oauth", "token", "work", "--name", "token"]),
            )
            .within(1.15),
        ],
    )?;
    Ok(vec![run, from_environment(&home, plan)?, token])
}

fn from_environment(home: &BenchHome, plan: &Plan) -> Result<Table> {
    let variable = "KEYWARD_CREDENTIAL_MAIL_TOKEN";
    let keyward = home.keyward_with(variable, peers::PASSWORD)?;
    let environment = keyward.config().environment().clone();
    let resolver = keyward.resolver()?;
    let query = Query::new("mail", None)?.needing_main();
    let contestants = vec![
        Contestant::calls("reading the variable", 100, || {
            std::hint::black_box(environment.get(variable));
            Ok(())
        }),
        Contestant::calls("**`Resolver::resolve`**", 100, || {
            std::hint::black_box(resolver.resolve(&query)?);
            Ok(())
        })
        .adding(Duration::from_micros(100)),
    ];
    race("A credential in the environment", plan.rounds, contestants)
}
